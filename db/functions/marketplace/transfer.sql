create or replace function marketplace.transfer(
    p_from text, p_to text, p_amount numeric, p_reason text, p_now timestamptz default null
)
returns void
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_here bigint;
begin
    perform books.check_text('p_from', p_from, 'p_to', p_to, 'p_reason', p_reason);
    p_now := jobs.server_time(p_now);
    if
        p_amount is null or p_amount <= 0 or p_amount <> trunc(p_amount, 2) or abs(p_amount) >= 1e12 or btrim(coalesce(p_reason, '')) = ''
        or p_from is not distinct from p_to
    then
        raise exception 'a transfer needs two purses, an amount and a reason' using
            errcode = '22023',
            detail = format('From %L to %L, amount %s, reason %L.', p_from, p_to, p_amount, p_reason),
            hint = 'NOK above 0, with at most two decimals.';
    end if;
    perform from marketplace.purse as p where p.purse in (p_from, p_to) order by p.purse for update;
    if (select count(*) from marketplace.purse as p where p.purse in (p_from, p_to)) <> 2 then
        raise exception 'no such purse' using
            errcode = 'P0002',
            detail = format('Purses %L and %L.', p_from, p_to),
            hint = 'They are in report.marketplace_purse; set_purse makes them.';
    end if;
    select p.available into v_here from marketplace.purse as p where p.purse = p_from;
    if v_here < p_amount * 100 then
        raise exception 'the purse has not so much' using
            errcode = '23B76',
            detail = format('Purse %s has NOK %s; NOK %s were to be moved.', p_from, round(v_here / 100.0, 2), p_amount),
            hint = 'What is under way to somebody is not there any more.';
    end if;
    insert into marketplace.purse_movement (purse, kind, amount, reason, moved_at)
    values
    (p_from, 'TRANSFER', (-p_amount * 100)::bigint, p_reason, p_now),
    (p_to, 'TRANSFER', (p_amount * 100)::bigint, p_reason, p_now);
end;
$$;

comment on function marketplace.transfer(text, text, numeric, text, timestamptz) is
'Money went from one purse to another, such as from a gateway''s balance to our account at the bank; NOK above 0. 22023; P0002 no such purse; 23B76 the first has not so much.';
