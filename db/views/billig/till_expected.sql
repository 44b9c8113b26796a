create or replace view billig.till_expected as
select
    s.till_session,
    x.payment_method,
    x.expected
from billig.till_session as s
cross join lateral (
    select
        e.payment_method,
        sum(e.amount) as expected
    from (
        select
            l.payment_method,
            l.amount
        from billig.payment as p
        inner join billig.payment_line as l on p.payment = l.payment
        where p.till_session = s.till_session
        union all
        select
            m.payment_method,
            s.opening_float + (
                select coalesce(sum(v.amount), 0)
                from billig.till_event as v
                where v.till_session = s.till_session and v.event_type in ('PAY_IN', 'PAY_OUT')
            )
        from billig.payment_method as m
        where m.is_cash
    ) as e
    inner join billig.payment_method as m on e.payment_method = m.payment_method
    where not m.is_rounding
    group by e.payment_method
) as x;

comment on view billig.till_expected is
'What each till session should hold, NOK, by means of payment: of cash the float, what was paid in and out, pay-ins and pay-outs; of others what was paid. Below 0 where more cash was given back than there was. Cash is always there.';
