create or replace view report.cancelled_owed as
select
    o.organisation_name,
    c.event_change,
    c.event,
    e.event_name,
    c.changed_at as cancelled_at,
    t.purchase,
    count(*) as tickets,
    sum(l.amount)::numeric(14, 2) as amount
from billig.event_change as c
inner join billig.event as e on c.event = e.event
inner join billig.organisation as o on e.organisation = o.organisation
inner join billig.cancelled_purchase as d on c.event_change = d.event_change and d.done_at is not null
inner join billig.ticket as t on d.purchase = t.purchase and c.event = t.event and t.refunded is null
cross join lateral billig.left_of(
    t.paid is not null, t.refunded is not null, t.price, t.reduced, t.charged_back, t.kept
) as l (amount)
where
    l.amount > 0 and t.charged_back = 0
    and not (
        c.used_tickets = 'KEEP' and exists (
            select from billig.transaction_log as u where u.ticket = t.ticket and billig.is_use(u.transaction_type)
        )
    )
    and not exists (select from billig.event_change as n where n.event = c.event and n.event_change > c.event_change)
group by o.organisation_name, c.event_change, c.event, e.event_name, c.changed_at, t.purchase;

comment on view report.cancelled_owed is
'What is owed to buyers of cancelled events and not claimed yet, a row for each purchase and event: paid with stands, who pay it back (billig.pay_cancelled); or a dispute that was won since, which billig.refund gives back. It stays owed, on the account of prepaid tickets, until it is paid.';
comment on column report.cancelled_owed.organisation_name is 'Organisation that arranges the event';
comment on column report.cancelled_owed.event_change is 'The cancellation';
comment on column report.cancelled_owed.event is 'The event';
comment on column report.cancelled_owed.event_name is 'The event''s name, as it is now';
comment on column report.cancelled_owed.cancelled_at is 'When it was cancelled';
comment on column report.cancelled_owed.purchase is 'The purchase';
comment on column report.cancelled_owed.tickets is 'How many of its tickets';
comment on column report.cancelled_owed.amount is 'NOK owed, including fees, positive';
