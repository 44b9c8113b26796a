create or replace function bank.leave_out_payouts(p_route int)
returns text[]
language plpgsql
-- The file_ tables are the temporary ones: begin_import made them, load_payout looked.
set search_path = pg_catalog, pg_temp, bank
as $$
declare
    v_currency constant text := (
        select a.currency from bank.route as r inner join bank.account as a on r.account = a.account where r.route = p_route
    );
    v_left_out text[];
begin
    update file_payout as p
    set currency = l.currency
    from (
        select f.payout, min(f.currency) as currency
        from file_payout_line as f
        group by f.payout
        having min(f.currency) = max(f.currency)
    ) as l
    where p.payout = l.payout and p.currency is null;

    with other as (
        delete from file_payout as p
        where p.currency ~ '^[A-Z]{3}$' and p.currency <> v_currency
        returning p.payout, p.currency
    ),

    line as (
        delete from file_payout_line as f
        where
            f.payout in (select o.payout from other as o)
            -- and what is not paid out yet
            or f.currency ~ '^[A-Z]{3}$' and f.currency <> v_currency
            and f.payout not in (select p.payout from file_payout as p)
        returning f.payout, f.currency, f.net
    )

    select array_agg(t.told order by t.currency) into v_left_out
    from (
        select
            c.currency,
            format(
                '%s: %s payouts, %s lines, %s', c.currency, (select count(*) from other as o where o.currency = c.currency),
                c.lines, c.net::numeric(20, 2)
            ) as told
        from (
            select l.currency, count(*) as lines, sum(l.net) as net
            from line as l
            group by l.currency
        ) as c
    ) as t;
    return coalesce(v_left_out, '{}');
end;
$$;

comment on function bank.leave_out_payouts(int) is
'Takes payouts, and lines that wait for one, of other currencies than the route''s account out of the temporary tables of begin_import: called by load_payout. Returns what they were, one text per currency.';
