create or replace view billig.voucher_till as
select
    billig.local_time(s.closed_at)::date as posting_date,
    s.organisation,
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
cross join lateral (values ('PAYMENT', 1), (m.line_kind, -1)) as c (line_kind, sign)
where s.closed_at is not null
group by 1, s.organisation, c.line_kind, m.payment_method;

comment on view billig.voucher_till is
'Differences, pay-ins and pay-outs of closed till sessions, as lines of vouchers on the day a session closed, in the books of the organisation whose drawer it is. NOK: debit positive, credit negative.';
