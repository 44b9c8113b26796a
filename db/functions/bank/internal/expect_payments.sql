create or replace function bank.expect_payments(p_until date, p_whole date)
returns void
language plpgsql
set search_path = pg_catalog, bank, pg_temp
as $$
begin
    -- Payments that no session has, by day and place, or each by itself.
    with line as (
        select
            r.route, l.payment, l.payment_method, l.line, l.amount,
            -- of a dispute what the provider keeps for it
            case when p.disputed_payment is null then r.fee_rate else 0 end as fee_rate, coalesce(d.fee, 0) as dispute_fee,
            billig.local_time(p.payment_time)::date as day, p.cash_point,
            case when r.source = 'PAYMENT' then p.payment end as single,
            -- what is given back is named as what it gives back; what a dispute gave back, as the dispute that took it
            case when r.source = 'PAYMENT' then coalesce(p.provider_reference, (
                select o.provider_reference
                from billig.payment as o
                where o.payment = coalesce(p.disputed_payment, l.gives_back)
            ), '') else '' end as reference,
            null::bigint as owed_back, null::boolean as is_repayment, null::bigint as loss, null::boolean as is_won, null::bigint as apart
        from bank.route as r
        inner join billig.payment_line as l on r.payment_method = l.payment_method and r.organisation = l.organisation
        inner join billig.payment as p on l.payment = p.payment
        left join billig.dispute as d on p.payment = d.payment
        where
            (
                r.source in ('DAY', 'PAYMENT')
                -- of what passes a till, the web's provider gives some back
                or r.source = 'SESSION' and not exists (
                    select from billig.till_session as s
                    where s.till_session = p.till_session and s.organisation = l.organisation
                )
            )
            and p.payment_time
            < (case r.source when 'PAYMENT' then p_until else p_whole end + 1)::timestamp at time zone books.time_zone()
            and (r.since is null or p.payment_time >= r.since::timestamp at time zone books.time_zone())
            and not exists (
                select from bank.expected_line as o
                where o.payment = l.payment and o.payment_method = l.payment_method and o.line = l.line
            )
        union all
        -- Money that bought nothing by itself, and what a dispute took beyond what there was: in one sum with what its
        -- payment paid for, where that is not expected yet.
        select
            r.route, null, w.payment_method, null, w.amount, case when w.has_rate then r.fee_rate else 0 end, w.fee,
            billig.local_time(w.moved_at)::date, null,
            case when r.source = 'PAYMENT' and not exists (
                select from bank.expected as e where e.route = r.route and e.payment = w.payment
            ) then w.payment end,
            case when r.source = 'PAYMENT' then w.reference else '' end,
            w.owed_back, w.is_repayment, w.dispute_loss, w.is_won, w.apart
        from bank.route as r
        inner join bank.owed_move as w on r.payment_method = w.payment_method and r.organisation = w.organisation
        where
            r.source in ('DAY', 'PAYMENT', 'SESSION')
            and w.moved_at
            < (case r.source when 'PAYMENT' then p_until else p_whole end + 1)::timestamp at time zone books.time_zone()
            and (r.since is null or w.moved_at >= r.since::timestamp at time zone books.time_zone())
            and not exists (
                select from bank.expected_owed as e
                where e.owed_back = w.owed_back and e.is_repayment = w.is_repayment
            )
            and not exists (
                select from bank.expected_loss as e
                where e.dispute_loss = w.dispute_loss and e.is_won = w.is_won
            )
    ),

    item as materialized (
        select
            nextval('bank.expected_expected_seq') as expected,
            g.route, g.day, g.cash_point, g.single, g.reference, g.goods, g.amount, g.fee, g.payments, g.methods, g.lines, g.owed,
            g.repayments, g.losses, g.wins
        from (
            select
                l.route, l.day, l.cash_point, l.single, l.reference, sum(l.amount) as amount,
                coalesce(sum(l.amount) filter (where l.payment is not null), 0) as goods,
                round(sum(l.amount * l.fee_rate), 2) + sum(l.dispute_fee) as fee,
                array_agg(l.payment) filter (where l.payment is not null) as payments,
                array_agg(l.payment_method) filter (where l.payment is not null) as methods,
                array_agg(l.line) filter (where l.payment is not null) as lines,
                array_agg(l.owed_back) filter (where l.owed_back is not null) as owed,
                array_agg(l.is_repayment) filter (where l.owed_back is not null) as repayments,
                array_agg(l.loss) filter (where l.loss is not null) as losses,
                array_agg(l.is_won) filter (where l.loss is not null) as wins
            from line as l
            group by
                l.route, l.day, l.cash_point, l.single, l.reference,
                case when l.reference <> '' and l.single is null then l.apart end
            order by l.day, l.route, l.cash_point, l.single
        ) as g
    ),

    made as (
        insert into bank.expected (expected, route, day, cash_point, payment, reference, goods, amount, fee)
        select i.expected, i.route, i.day, i.cash_point, i.single, i.reference, i.goods, i.amount, i.fee
        from item as i
    ),

    owed as (
        insert into bank.expected_owed (owed_back, is_repayment, expected)
        select u.owed_back, u.is_repayment, i.expected
        from item as i
        cross join lateral unnest(i.owed, i.repayments) as u (owed_back, is_repayment)
    ),

    lost as (
        insert into bank.expected_loss (dispute_loss, is_won, expected)
        select u.loss, u.is_won, i.expected
        from item as i
        cross join lateral unnest(i.losses, i.wins) as u (loss, is_won)
    )

    insert into bank.expected_line (payment, payment_method, line, expected)
    select u.payment, u.payment_method, u.line, i.expected
    from item as i
    cross join lateral unnest(i.payments, i.methods, i.lines) as u (payment, payment_method, line);
end;
$$;

comment on function bank.expect_payments(date, date) is
'Expects payments that no till session has, and money owed back: single ones until p_until, sums of a day until p_whole, the last day that is over. For expect alone.';
