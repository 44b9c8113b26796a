create or replace function marketplace.book_fee(
    p_amount numeric, p_reason text, p_purse text default 'main', p_now timestamptz default null
)
returns numeric
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_reason', p_reason, 'p_purse', p_purse);
    p_now := jobs.server_time(p_now);
    if
        p_amount is null or p_amount = 0 or p_amount <> trunc(p_amount, 2) or abs(p_amount) >= 1e12 or btrim(coalesce(p_reason, '')) = ''
    then
        raise exception 'a fee needs an amount and a reason' using
            errcode = '22023',
            detail = format('Amount %s, reason %L.', p_amount, p_reason),
            hint = 'NOK with at most two decimals: above 0 the gateway took it, below 0 it gave it back.';
    end if;
    perform from marketplace.purse as p where p.purse = p_purse for update;
    if not found then
        raise exception 'no such purse' using
            errcode = 'P0002',
            detail = format('Purse %L.', p_purse),
            hint = 'They are in report.marketplace_purse; set_purse makes them.';
    end if;
    insert into marketplace.purse_movement (purse, kind, amount, reason, moved_at)
    values (p_purse, 'FEE', (-p_amount * 100)::bigint, p_reason, p_now);
    return (select round(p.available / 100.0, 2) from marketplace.purse as p where p.purse = p_purse);
end;
$$;

comment on function marketplace.book_fee(numeric, text, text, timestamptz) is
'A gateway took a fee out of a purse (above 0), or gave one back (below 0); NOK. It is a fact, whatever is owed to others: what the purse has then, below 0 if it had not so much. 22023; P0002 no such purse.';
