create or replace view consistency.between_organisations as
select
    null::bigint as payment,
    null::int as organisation,
    'what stands between organisations is not 0 in sum' as problem,
    sum(v.amount) as difference
from billig.voucher_payment as v
where v.line_kind = 'TRANSFER'
having sum(v.amount) <> 0
union all
-- A drawer has what was put into it, and nobody else has any of that.
select
    l.payment,
    l.organisation,
    'cash is not with the organisation whose drawer it is in',
    l.amount
from billig.payment_line as l
inner join billig.payment_method as m on l.payment_method = m.payment_method
inner join billig.payment as p on l.payment = p.payment
inner join billig.till_session as s on p.till_session = s.till_session
where (m.is_cash or m.is_rounding) and l.organisation <> s.organisation
union all
-- Cash in a session's books is what was counted less the float.
select
    null,
    c.organisation,
    'cash in the books is not what its drawers hold',
    sum(c.amount)
from (
    select
        v.organisation,
        v.amount
    from billig.voucher_till as v
    inner join billig.payment_method as m on v.payment_method = m.payment_method
    where v.line_kind = 'PAYMENT' and m.is_cash
    union all
    select
        l.organisation,
        l.amount
    from billig.payment_line as l
    inner join billig.payment_method as m on l.payment_method = m.payment_method
    inner join billig.payment as p on l.payment = p.payment
    inner join billig.till_session as s on p.till_session = s.till_session
    where m.is_cash and s.closed_at is not null
    union all
    select
        s.organisation,
        s.opening_float - n.counted
    from billig.till_session as s
    inner join billig.till_count as n on s.till_session = n.till_session
    inner join billig.payment_method as m on n.payment_method = m.payment_method
    where m.is_cash and s.closed_at is not null
) as c
group by c.organisation
having sum(c.amount) <> 0;

comment on view consistency.between_organisations is
'Money is booked where it is: what stands between organisations sums to 0; cash of a till session is its drawer''s organisation''s; and for each organisation cash payments of closed sessions, with their differences, pay-ins and pay-outs, are what was counted less the floats. difference: NOK. It means that a line was moved to another organisation past the triggers, or that a view of the vouchers is wrong.';
