create or replace view billig.unpaid_ticket as
select
    t.ticket,
    t.purchase,
    t.sale_channel,
    t.event,
    l.transaction_time as taken_at,
    least(
        l.transaction_time + c.hold_for,
        (e.event_time - c.hold_until_before_event) at time zone books.time_zone()
    ) as held_until
from billig.ticket as t
inner join billig.sale_channel as c on t.sale_channel = c.sale_channel
inner join billig.event as e on t.event = e.event
cross join lateral (
    select g.transaction_time
    from billig.transaction_log as g
    where g.ticket = t.ticket
    order by g.transaction_log
    limit 1
) as l
where t.paid is null and t.refunded is null;

comment on view billig.unpaid_ticket is
'Live tickets not paid yet, and until when they are held (billig.sale_channel). Counted from the log''s first row, the server''s clock. held_until null: for ever.';
