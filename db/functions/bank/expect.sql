create or replace function bank.expect(p_until date default null)
returns table (road_name text, items bigint, amount numeric)
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
as $$
#variable_conflict use_column
declare
    v_today constant date := billig.local_time()::date;
    v_until constant date := least(coalesce(p_until, v_today - 1), v_today);
    v_whole constant date := least(v_until, v_today - 1); -- of what is the sum of a day: today is not over
    v_last constant bigint := (select coalesce(max(e.expected), 0) from bank.expected as e);
begin
    perform billig.need_read_committed();
    -- One at a time: the next one sees what this one has taken.
    perform from bank.road as r order by r.road for update;

    -- A till session's money is what was counted.
    with item as (
        select
            r.road, r.payment_method, r.fee_rate, s.till_session, s.cash_point,
            case when m.is_cash then format('TILL-%s', s.till_session) else '' end as reference,
            billig.local_time(s.closed_at)::date as day,
            coalesce(c.counted, c.expected) - case when m.is_cash then s.opening_float else 0 end as amount
        from bank.road as r
        inner join billig.payment_method as m on r.payment_method = m.payment_method
        cross join billig.till_session as s
        inner join billig.till_count as c on s.till_session = c.till_session and r.payment_method = c.payment_method
        where
            r.source = 'SESSION' and billig.local_time(s.closed_at)::date between coalesce(r.since, '-infinity') and v_until
            and not exists (select from bank.expected as e where e.road = r.road and e.till_session = s.till_session)
    ),

    line as (
        select i.road, i.till_session, l.payment, l.payment_method, l.amount
        from item as i
        inner join billig.payment as p on i.till_session = p.till_session
        inner join billig.payment_line as l on p.payment = l.payment and i.payment_method = l.payment_method
    ),

    made as (
        insert into bank.expected (road, day, cash_point, till_session, reference, goods, amount, fee)
        select
            i.road, i.day, i.cash_point, i.till_session, i.reference,
            coalesce(g.amount, 0), i.amount, round(i.amount * i.fee_rate, 2)
        from item as i
        left join (
            select l.road, l.till_session, sum(l.amount) as amount
            from line as l
            group by l.road, l.till_session
        ) as g on i.road = g.road and i.till_session = g.till_session
        order by i.till_session, i.road
        returning road, till_session, expected
    )

    insert into bank.expected_line (payment, payment_method, expected)
    select l.payment, l.payment_method, d.expected
    from line as l
    inner join made as d on l.road = d.road and l.till_session = d.till_session;

    -- Payments that no session has, by day and place, or each by itself.
    with line as (
        select
            r.road, r.fee_rate, l.payment, l.payment_method, l.amount,
            billig.local_time(p.payment_time)::date as day, p.cash_point,
            case when r.source = 'PAYMENT' then p.payment end as single,
            -- what is given back is named as what was paid
            case when r.source = 'PAYMENT' then coalesce(p.provider_reference, (
                select o.provider_reference
                from billig.payment as o
                where o.purchase = p.purchase and o.provider_reference is not null
                order by o.payment
                limit 1
            ), '') else '' end as reference,
            null::bigint as owed_back, null::boolean as is_repayment
        from bank.road as r
        inner join billig.payment_line as l on r.payment_method = l.payment_method
        inner join billig.payment as p on l.payment = p.payment
        where
            (r.source in ('DAY', 'PAYMENT') or r.source = 'SESSION' and p.till_session is null)
            and p.payment_time
            < (case r.source when 'PAYMENT' then v_until else v_whole end + 1)::timestamp at time zone books.time_zone()
            and (r.since is null or p.payment_time >= r.since::timestamp at time zone books.time_zone())
            and not exists (
                select from bank.expected_line as o
                where o.payment = l.payment and o.payment_method = l.payment_method
            )
        union all
        -- Money that came too late: in one sum with what its payment paid for, where that is not expected yet.
        select
            r.road, r.fee_rate, null, w.payment_method, w.amount,
            billig.local_time(w.moved_at)::date, null,
            case when r.source = 'PAYMENT' and not exists (
                select from bank.expected as e where e.road = r.road and e.payment = w.payment
            ) then w.payment end,
            case when r.source = 'PAYMENT' then w.reference else '' end,
            w.owed_back, w.is_repayment
        from bank.road as r
        inner join (
            select
                o.owed_back, false as is_repayment, o.payment_method, o.amount,
                coalesce(p.payment_time, o.recorded_at) as moved_at, o.provider_reference as reference, p.payment
            from billig.owed_back as o
            left join billig.payment as p on o.provider_reference = p.provider_reference
            union all
            select o.owed_back, true, o.payment_method, -o.amount, o.settled_at, o.settled_reference, null
            from billig.owed_back as o
            where o.settled_at is not null
        ) as w on r.payment_method = w.payment_method
        where
            r.source in ('DAY', 'PAYMENT', 'SESSION')
            and w.moved_at
            < (case r.source when 'PAYMENT' then v_until else v_whole end + 1)::timestamp at time zone books.time_zone()
            and (r.since is null or w.moved_at >= r.since::timestamp at time zone books.time_zone())
            and not exists (
                select from bank.expected_owed as e
                where e.owed_back = w.owed_back and e.is_repayment = w.is_repayment
            )
    ),

    item as materialized (
        select
            nextval('bank.expected_expected_seq') as expected,
            g.road, g.day, g.cash_point, g.single, g.reference, g.goods, g.amount, g.fee, g.payments, g.methods, g.owed,
            g.repayments
        from (
            select
                l.road, l.day, l.cash_point, l.single, l.reference, sum(l.amount) as amount,
                coalesce(sum(l.amount) filter (where l.payment is not null), 0) as goods,
                round(sum(l.amount) * l.fee_rate, 2) as fee,
                array_agg(l.payment) filter (where l.payment is not null) as payments,
                array_agg(l.payment_method) filter (where l.payment is not null) as methods,
                array_agg(l.owed_back) filter (where l.owed_back is not null) as owed,
                array_agg(l.is_repayment) filter (where l.owed_back is not null) as repayments
            from line as l
            group by
                l.road, l.fee_rate, l.day, l.cash_point, l.single, l.reference,
                case when l.reference <> '' and l.single is null then l.owed_back end
            order by l.day, l.road, l.cash_point, l.single
        ) as g
    ),

    made as (
        insert into bank.expected (expected, road, day, cash_point, payment, reference, goods, amount, fee)
        select i.expected, i.road, i.day, i.cash_point, i.single, i.reference, i.goods, i.amount, i.fee
        from item as i
    ),

    owed as (
        insert into bank.expected_owed (owed_back, is_repayment, expected)
        select u.owed_back, u.is_repayment, i.expected
        from item as i
        cross join lateral unnest(i.owed, i.repayments) as u (owed_back, is_repayment)
    )

    insert into bank.expected_line (payment, payment_method, expected)
    select u.payment, u.payment_method, i.expected
    from item as i
    cross join lateral unnest(i.payments, i.methods) as u (payment, payment_method);

    -- The marketplace's: what succeeded, and what came back. Øre there, NOK here.
    insert into bank.expected (road, day, payment_attempt, is_return, reference, goods, amount, fee)
    select
        r.road, x.day, a.payment_attempt, x.is_return, coalesce(a.gateway_id, a.idempotency_key), x.amount, x.amount,
        case when x.is_return then 0 else round(x.amount * r.fee_rate, 2) end
    from bank.road as r
    inner join marketplace.payment_attempt as a on r.gateway = a.gateway
    cross join lateral (
        select
            false as is_return,
            billig.local_time(a.resolved_at)::date as day,
            a.amount / 100.0 * case a.kind when 'CHARGE' then 1 else -1 end as amount
        union all
        select true, billig.local_time(a.returned_at)::date, a.amount / 100.0
        where a.returned_at is not null
    ) as x
    where
        r.source = 'ATTEMPT' and a.state = 'SUCCEEDED' and x.day between coalesce(r.since, '-infinity') and v_until
        and not exists (
            select from bank.expected as e where e.payment_attempt = a.payment_attempt and e.is_return = x.is_return
        )
    order by a.payment_attempt;

    perform bank.analyze_grown('bank.expected', (select count(*) from bank.expected as e where e.expected > v_last));

    return query
    select r.road_name, count(*), sum(e.amount)
    from bank.expected as e
    inner join bank.road as r on e.road = r.road
    where e.expected > v_last
    group by r.road_name
    order by r.road_name;
end;
$$;

comment on function bank.expect(date) is
'Adds what is to be expected of goods until a day, by default yesterday, one row an item as bank.road says; a row a road of what was added, NOK. Until today: closed till sessions, single payments and attempts, but no sum of a day that is not over. The cash of a till session is named TILL- and its number: what a depositor writes on the bag. Each payment is taken once; one that comes late is an item of its own. Money owed back (billig.owed_back) is expected too, when it came, with the payment of its reference, and when it was paid back, named by that reference. 25000 not at read committed.';
