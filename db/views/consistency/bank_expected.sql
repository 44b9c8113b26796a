create or replace view consistency.bank_expected as
select
    x.expected,
    x.goods,
    coalesce(l.amount, 0) as lines_amount,
    x.amount,
    coalesce(t.amount, a.amount, coalesce(l.amount, 0) + coalesce(w.amount, 0) + coalesce(o.amount, 0)) as source_amount
from bank.expected as x
inner join bank.route as r on x.route = r.route
left join (
    select
        o.expected,
        sum(p.amount) as amount
    from bank.expected_line as o
    inner join billig.payment_line as p on o.payment = p.payment and o.payment_method = p.payment_method and o.line = p.line
    group by o.expected
) as l on x.expected = l.expected
left join (
    select
        o.expected,
        sum(case when o.is_repayment then -b.amount else b.amount end) as amount
    from bank.expected_owed as o
    inner join billig.owed_back as b on o.owed_back = b.owed_back
    group by o.expected
) as w on x.expected = w.expected
left join (
    select
        o.expected,
        sum(case when o.is_won then b.amount else -b.amount end) as amount
    from bank.expected_loss as o
    inner join billig.dispute_loss as b on o.dispute_loss = b.dispute_loss
    group by o.expected
) as o on x.expected = o.expected
left join lateral (
    select coalesce(c.counted, c.expected) - case when m.is_cash then s.opening_float else 0 end as amount
    from billig.till_session as s
    inner join billig.till_count as c on s.till_session = c.till_session and r.payment_method = c.payment_method
    inner join billig.payment_method as m on c.payment_method = m.payment_method
    where s.till_session = x.till_session
) as t on true
left join lateral (
    select b.amount / 100.0 * case when b.kind = 'CHARGE' or x.is_return then 1 else -1 end as amount
    from marketplace.payment_attempt as b
    where b.payment_attempt = x.payment_attempt and b.state = 'SUCCEEDED'
) as a on true
where
    x.payment_attempt is null and x.goods <> coalesce(l.amount, 0)
    or x.amount is distinct from coalesce(t.amount, a.amount, coalesce(l.amount, 0) + coalesce(w.amount, 0) + coalesce(o.amount, 0));

comment on view consistency.bank_expected is
'What is expected is what its source says, NOK: goods is the sum of its payments, amount what was counted in the session less the float, what was charged or paid, or else the payments, what of it is owed back to buyers, and what disputes took beyond both.';
