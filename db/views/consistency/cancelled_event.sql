create or replace view consistency.cancelled_event as
select
    c.event,
    c.event_change,
    t.purchase,
    t.ticket,
    case
        when d.purchase is null then 'sold of a cancelled event'
        else 'not let go, though its purchase was seen to'
    end as problem
from billig.event_change as c
inner join billig.ticket as t on c.event = t.event and t.refunded is null
left join billig.cancelled_purchase as d on c.event_change = d.event_change and t.purchase = d.purchase
where
    c.kind = 'CANCELLED'
    and not exists (select from billig.event_change as n where n.event = c.event and n.event_change > c.event_change)
    and (d.purchase is null or d.done_at is not null and t.paid is null)
union all
-- What was done with a purchase is what the log says went back of it then.
select
    c.event,
    c.event_change,
    d.purchase,
    null,
    format('NOK %s given back, and %s by the log', d.refunded_amount, coalesce(l.amount, 0))
from billig.event_change as c
inner join billig.cancelled_purchase as d on c.event_change = d.event_change and d.done_at is not null
left join lateral (
    select -sum(l.amount + l.fee_amount) as amount
    from billig.ticket as t
    inner join billig.transaction_log as l on t.ticket = l.ticket
    where
        t.purchase = d.purchase and t.event = c.event and billig.is_refund(l.transaction_type)
        and l.transaction_time between c.changed_at and d.done_at
        and l.cash_point is null
) as l on true
where d.refunded_amount > coalesce(l.amount, 0);

comment on view consistency.cancelled_event is
'Of a cancelled event nothing is sold, no unpaid ticket is left of a purchase that was seen to, and what was given back of a purchase is in the log, whole (NOK).';
