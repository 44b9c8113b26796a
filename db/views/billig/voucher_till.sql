create or replace view billig.voucher_till as
select
    billig.local_time(s.closed_at)::date as posting_date,
    coalesce(o.organisation, (select min(n.organisation) from billig.organisation as n)) as organisation,
    c.line_kind,
    m.payment_method,
    sum(c.sign * m.amount) as amount
from billig.till_session as s
inner join (
    select
        till_session,
        'CASH_DIFFERENCE' as line_kind,
        payment_method,
        difference as amount
    from billig.till_count
    where difference <> 0
    union all
    select
        till_session,
        event_type,
        (select min(p.payment_method) from billig.payment_method as p where p.is_cash),
        sum(amount)
    from billig.till_event
    where event_type in ('PAY_IN', 'PAY_OUT')
    group by till_session, event_type
) as m on s.till_session = m.till_session
-- A drawer is nobody's but its seller's for a while: it goes by what most of its money was for.
left join lateral (
    select l.organisation
    from billig.payment as p
    inner join billig.transaction_log as l on p.payment = l.payment
    where p.till_session = s.till_session
    group by l.organisation
    order by sum(abs(l.amount + l.fee_amount)) desc, l.organisation
    limit 1
) as o on true
cross join lateral (values ('PAYMENT', 1), (m.line_kind, -1)) as c (line_kind, sign)
where s.closed_at is not null
group by 1, 2, c.line_kind, m.payment_method;

comment on view billig.voucher_till is
'Differences, pay-ins and pay-outs of closed till sessions, as lines of vouchers on the day a session closed, without a project; the organisation is the one that most of the session''s money was for, of a session without any the one with the lowest number. NOK: debit positive, credit negative.';
