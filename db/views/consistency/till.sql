create or replace view consistency.till as
select
    s.till_session,
    m.payment_method_name as payment_method,
    'expected is not what its payments say' as problem,
    c.expected as stored,
    x.expected as found
from billig.till_session as s
cross join billig.payment_method as m
left join billig.till_expected as x on s.till_session = x.till_session and m.payment_method = x.payment_method
left join billig.till_count as c on s.till_session = c.till_session and m.payment_method = c.payment_method
where
    s.closed_at is not null
    and c.expected is distinct from x.expected
    and (x.expected is not null or c.expected <> 0) -- counted, though nothing of it was expected
union all
select
    c.till_session,
    m.payment_method_name,
    'counted while the session is open',
    c.counted,
    null
from billig.till_count as c
inner join billig.till_session as s on c.till_session = s.till_session
inner join billig.payment_method as m on c.payment_method = m.payment_method
where s.closed_at is null
union all
select
    d.till_session,
    m.payment_method_name,
    'notes and coins are not what was counted',
    c.counted,
    d.amount
from (
    select
        n.till_session,
        sum(n.denomination * n.pieces) as amount
    from billig.till_denomination as n
    group by n.till_session
) as d
cross join billig.payment_method as m
left join billig.till_count as c on d.till_session = c.till_session and m.payment_method = c.payment_method
where m.is_cash and d.amount is distinct from c.counted;

comment on view consistency.till is
'A closed till session stays as it was counted: what was expected then is what its payments say now, cash was counted, and denominations sum to it (NOK). A row means that something was written past the triggers.';
