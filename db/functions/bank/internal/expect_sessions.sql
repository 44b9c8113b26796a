create or replace function bank.expect_sessions(p_until date)
returns void
language plpgsql
set search_path = pg_catalog, bank, pg_temp
as $$
begin
    -- A till session's money is what was counted.
    with item as (
        select
            r.route, r.payment_method, r.organisation, r.fee_rate, s.till_session, s.cash_point,
            case when m.is_cash then format('TILL-%s', s.till_session) else '' end as reference,
            billig.local_time(s.closed_at)::date as day,
            coalesce(c.counted, c.expected) - case when m.is_cash then s.opening_float else 0 end as amount
        from bank.route as r
        inner join billig.payment_method as m on r.payment_method = m.payment_method
        inner join billig.till_session as s on r.organisation = s.organisation
        inner join billig.till_count as c on s.till_session = c.till_session and r.payment_method = c.payment_method
        where
            r.source = 'SESSION' and billig.local_time(s.closed_at)::date between coalesce(r.since, '-infinity') and p_until
            and not exists (select from bank.expected as e where e.route = r.route and e.till_session = s.till_session)
    ),

    line as (
        select i.route, i.till_session, l.payment, l.payment_method, l.line, l.amount
        from item as i
        inner join billig.payment as p on i.till_session = p.till_session
        inner join billig.payment_line as l
            on p.payment = l.payment and i.payment_method = l.payment_method and i.organisation = l.organisation
    ),

    made as (
        insert into bank.expected (route, day, cash_point, till_session, reference, goods, amount, fee)
        select
            i.route, i.day, i.cash_point, i.till_session, i.reference,
            coalesce(g.amount, 0), i.amount, round(i.amount * i.fee_rate, 2)
        from item as i
        left join (
            select l.route, l.till_session, sum(l.amount) as amount
            from line as l
            group by l.route, l.till_session
        ) as g on i.route = g.route and i.till_session = g.till_session
        order by i.till_session, i.route
        returning route, till_session, expected
    )

    insert into bank.expected_line (payment, payment_method, line, expected)
    select l.payment, l.payment_method, l.line, d.expected
    from line as l
    inner join made as d on l.route = d.route and l.till_session = d.till_session;
end;
$$;

comment on function bank.expect_sessions(date) is
'Expects the money of till sessions that were closed until a day, one row per session and settlement route. For expect alone.';
