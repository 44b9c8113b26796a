create or replace view report.cancelled_event as
select
    o.organisation_name,
    c.event_change,
    c.event,
    e.event_name,
    c.time_before as event_time,
    c.changed_at as cancelled_at,
    c.changed_by as cancelled_by,
    c.reason,
    c.used_tickets,
    not exists (select from billig.event_change as n where n.event = c.event and n.event_change > c.event_change)
        as is_cancelled,
    d.purchases,
    d.purchases_left,
    d.tickets_refunded,
    d.refunded_amount::numeric(14, 2) as refunded_amount,
    d.tickets_let_go,
    d.tickets_kept,
    d.tickets_disputed,
    d.tickets_owed,
    d.owed_amount::numeric(14, 2) as owed_amount,
    w.tickets as tickets_owed_now,
    w.amount::numeric(14, 2) as owed_now_amount
from billig.event_change as c
inner join billig.event as e on c.event = e.event
inner join billig.organisation as o on e.organisation = o.organisation
cross join lateral (
    select
        count(*) as purchases,
        count(*) filter (where p.done_at is null) as purchases_left,
        coalesce(sum(p.tickets_refunded), 0) as tickets_refunded,
        coalesce(sum(p.refunded_amount), 0) as refunded_amount,
        coalesce(sum(p.tickets_let_go), 0) as tickets_let_go,
        coalesce(sum(p.tickets_kept), 0) as tickets_kept,
        coalesce(sum(p.tickets_disputed), 0) as tickets_disputed,
        coalesce(sum(p.tickets_owed), 0) as tickets_owed,
        coalesce(sum(p.owed_amount), 0) as owed_amount
    from billig.cancelled_purchase as p
    where p.event_change = c.event_change
) as d
cross join lateral (
    select
        coalesce(sum(r.tickets), 0)::bigint as tickets,
        coalesce(sum(r.amount), 0) as amount
    from report.cancelled_owed as r
    where r.event_change = c.event_change
) as w
where c.kind = 'CANCELLED';

comment on view report.cancelled_event is
'Each cancellation of an event, and how far it has come: what was done with the purchases that had tickets then, and what is owed still (report.cancelled_owed has it by purchase). NOK including fees, positive.';
comment on column report.cancelled_event.organisation_name is 'Organisation that arranges the event';
comment on column report.cancelled_event.event_change is 'The cancellation';
comment on column report.cancelled_event.event is 'The event';
comment on column report.cancelled_event.event_name is 'The event''s name, as it is now';
comment on column report.cancelled_event.event_time is 'When it was to start, local time';
comment on column report.cancelled_event.cancelled_at is 'When it was cancelled';
comment on column report.cancelled_event.cancelled_by is 'The login role that cancelled it';
comment on column report.cancelled_event.reason is 'Why';
comment on column report.cancelled_event.used_tickets is 'What becomes of tickets that were used: REFUND or KEEP';
comment on column report.cancelled_event.is_cancelled is 'False: it was moved since, and is to be held';
comment on column report.cancelled_event.purchases is 'Purchases that had live tickets when it was cancelled';
comment on column report.cancelled_event.purchases_left is 'Of those: not seen to yet (billig.refund_cancelled)';
comment on column report.cancelled_event.tickets_refunded is 'Tickets given back by payment providers';
comment on column report.cancelled_event.refunded_amount is 'NOK that went back so';
comment on column report.cancelled_event.tickets_let_go is 'Unpaid tickets that were let go';
comment on column report.cancelled_event.tickets_kept is 'Tickets left as they are: used and kept, or free ones of a stand';
comment on column report.cancelled_event.tickets_disputed is 'Tickets left as they are: in dispute';
comment on column report.cancelled_event.tickets_owed is 'Tickets that stands were to pay back, then';
comment on column report.cancelled_event.owed_amount is 'NOK owed for them, then';
comment on column report.cancelled_event.tickets_owed_now is 'Tickets that money is owed for now';
comment on column report.cancelled_event.owed_now_amount is 'NOK owed for them now';
