create or replace function marketplace.move_reserve(p_amount numeric, p_reason text, p_now timestamptz default null, p_purse text default 'main')
returns numeric
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_available bigint;
    v_here bigint;
    v_owed bigint;
begin
    perform books.check_text('p_reason', p_reason, 'p_purse', p_purse);
    p_now := jobs.server_time(p_now);
    if
        p_amount is null or p_amount = 0 or p_amount <> trunc(p_amount, 2) or abs(p_amount) >= 1e12 or btrim(coalesce(p_reason, '')) = ''
    then
        raise exception 'moving money needs an amount and a reason' using
            errcode = '22023',
            detail = format('Amount %s, reason %L.', p_amount, p_reason),
            hint = 'NOK with at most two decimals: above 0 it is put in, below 0 taken out.';
    end if;
    perform from marketplace.purse as p order by p.purse for update;
    select sum(p.available), sum(p.available) filter (where p.purse = p_purse) into v_available, v_here
    from marketplace.purse as p;
    if v_here is null then
        raise exception 'no such purse' using
            errcode = 'P0002',
            detail = format('Purse %L.', p_purse),
            hint = 'They are in report.marketplace_purse; set_purse makes them.';
    end if;
    select coalesce(sum(c.amount), 0) into v_owed
    from marketplace.payment_candidate as c
    where c.kind <> 'CHARGE' and not c.is_live;
    -- Below the minimum it is not paid yet, and owed all the same.
    v_owed := v_owed + (
        select coalesce(sum(-o.amount * 100), 0)
        from marketplace.open_amount as o
        where o.status = 'CURRENT' and o.amount < 0
    );
    if p_amount < 0 and (v_available + p_amount * 100 < v_owed or v_here + p_amount * 100 < 0) then
        raise exception 'the money is owed to others' using
            errcode = '23B76',
            detail = format('Purse %s has NOK %s, all have NOK %s, owed are NOK %s, and NOK %s was to be taken out.',
                p_purse, round(v_here / 100.0, 2), round(v_available / 100.0, 2), round(v_owed / 100.0, 2), -p_amount),
            hint = 'What closed months owe stays until it is paid, also what rolled over because it is below the minimum.';
    end if;
    insert into marketplace.purse_movement (purse, amount, reason, moved_at)
    values (p_purse, (p_amount * 100)::bigint, p_reason, p_now);
    return round((v_here + p_amount * 100) / 100, 2);
end;
$$;

comment on function marketplace.move_reserve(numeric, text, timestamptz, text) is
'The operator puts money into a purse that payouts are made from (above 0), or takes some out (below 0), such as commissions; NOK. What it has then. 22023; P0002 no such purse; 23B76 it has not so much, or what is left in all would not cover what closed months owe.';
