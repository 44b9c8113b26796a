create or replace view report.bank_item as
select
    x.expected,
    x.day,
    r.route_name,
    m.payment_method_name as payment_method,
    x.cash_point,
    x.till_session,
    x.payment_attempt,
    x.goods,
    x.amount,
    x.fee as expected_fee,
    coalesce(sum(c.amount + s.fee + s.other) filter (where a.match is not null), 0)::numeric(14, 2) as received_amount,
    coalesce(sum(-s.fee) filter (where a.match is not null), 0)::numeric(14, 2) as fee_amount,
    (
        x.amount - coalesce(sum(c.amount + s.other) filter (where a.match is not null), 0)
    )::numeric(14, 2) as difference_amount,
    (x.amount - coalesce(sum(c.amount) filter (where a.match is not null), 0))::numeric(14, 2) as open_amount,
    x.day + r.days_max as last_day,
    max(c.match) as match,
    case
        when count(a.match) > 0 and x.amount = sum(c.amount) filter (where a.match is not null) then 'MATCHED'
        when count(c.match) > count(a.match) then 'SUGGESTED'
        when count(a.match) > 0 then 'PART'
        when x.amount = 0 then 'NOTHING'
        when billig.local_time()::date > x.day + r.days_max then 'MISSING'
        else 'AWAITED'
    end as state,
    case
        when x.amount <> coalesce(sum(c.amount) filter (where a.match is not null), 0)
            then billig.local_time()::date - x.day
        else 0
    end as age,
    (select h.cash_point_name from billig.cash_point as h where h.cash_point = x.cash_point) as cash_point_name
from bank.expected as x
inner join bank.route as r on x.route = r.route
left join billig.payment_method as m on r.payment_method = m.payment_method
left join bank.expected_claim as c on x.expected = c.expected
left join bank.match_approval as a on c.match = a.match
-- By match alone, so that it is worked out once for all items of one: what its lines come to, and its items.
left join lateral (
    select
        l.fee,
        l.other,
        array_agg(i.expected order by i.expected) as items,
        array_agg(i.weight order by i.expected) as weights,
        array_agg(i.upto order by i.expected) as uptos
    from (
        select
            coalesce(sum(n.amount) filter (where n.kind = 'FEE'), 0) as fee,
            coalesce(sum(n.amount) filter (where n.kind <> 'FEE'), 0) as other
        from bank.match_line as n
        where n.match = c.match
    ) as l
    cross join (
        select
            w.expected,
            w.weight,
            sum(w.weight) over (order by w.expected) as upto
        from (
            -- by amount, whichever way it goes; where nothing was to come, the first has it all
            select
                k.expected,
                case
                    when sum(abs(k.amount)) over () <> 0 then abs(k.amount)
                    else (row_number() over (order by k.expected) = 1)::int::numeric
                end as weight
            from bank.match_expected as k
            where k.match = c.match and not k.is_release
        ) as w
    ) as i
    group by l.fee, l.other
) as t on true
-- Each item's share, to the øre. Its place among the items is looked for in the sorted array, by halving.
cross join lateral (select width_bucket(x.expected, t.items) as place) as p
cross join lateral (
    select
        books.share_of(t.fee, t.uptos[p.place], t.weights[p.place], t.uptos[cardinality(t.uptos)]) as fee,
        books.share_of(t.other, t.uptos[p.place], t.weights[p.place], t.uptos[cardinality(t.uptos)]) as other
) as s
group by x.expected, r.route_name, r.days_max, m.payment_method_name;

comment on view report.bank_item is
'What should have come to the bank, and whether it did (T12): one row per item (expected), NOK. amount = received_amount + fee_amount + difference_amount. state: MATCHED (all of it, approved), SUGGESTED, PART (a part is matched and approved, open_amount is left), AWAITED, MISSING (last_day is over), NOTHING (there is nothing to come). amount less goods are cash differences, pay-ins and pay-outs, and money owed back to buyers. Of a match of several items, fees and differences are shared by amount, to the øre. route_name: how it reaches the bank; payment_method: null for the marketplace.';
comment on column report.bank_item.expected is 'Number of the item';
comment on column report.bank_item.day is 'Local day of the goods; of a till session, that of its close';
comment on column report.bank_item.route_name is 'How it reaches the bank';
comment on column report.bank_item.payment_method is 'Name of the means of payment; null: money of the marketplace';
comment on column report.bank_item.cash_point is 'The cash point; null: on the web, or at no till';
comment on column report.bank_item.till_session is 'The till session whose money it is; null: none';
comment on column report.bank_item.payment_attempt is 'The marketplace''s attempt that it is (report.payment_attempt); null: none';
comment on column report.bank_item.goods is 'NOK that its payments were for, positive in, negative out';
comment on column report.bank_item.amount is 'NOK to come before fees, positive in, negative out: goods, and cash differences, pay-ins, pay-outs and money owed back';
comment on column report.bank_item.expected_fee is 'NOK that the acquirer was to keep back of amount';
comment on column report.bank_item.received_amount is 'NOK at the bank, by an approved match';
comment on column report.bank_item.fee_amount is 'NOK that the acquirer kept back, by an approved match';
comment on column report.bank_item.difference_amount is 'NOK that did not come and were not a fee; negative: too much came';
comment on column report.bank_item.open_amount is 'NOK of difference_amount that no approved match has';
comment on column report.bank_item.last_day is 'After this day it is missing';
comment on column report.bank_item.match is 'The match that has it, or the latest that has a part of it; null: none';
comment on column report.bank_item.state is 'MATCHED (all of it, approved), SUGGESTED, PART (of it, approved), AWAITED, MISSING (last_day is over) or NOTHING (there is nothing to come)';
comment on column report.bank_item.age is 'Days since day that it is open; 0: it is not';
comment on column report.bank_item.cash_point_name is 'Name of the cash point, as it is now; null: on the web, or at no till';
