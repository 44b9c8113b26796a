create or replace view consistency.event_date as
select
    e.event,
    e.event_time::date as programme_date,
    d.event_date as recorded_date,
    e.event_type as programme_type,
    y.event_type_name as recorded_type,
    coalesce(c.kind = 'CANCELLED', false) as is_cancelled,
    d.is_cancelled as recorded_cancelled
from billig.event as e
left join lateral (
    select r.event_date, r.event_type, r.is_cancelled
    from billig.event_date as r
    where r.event = e.event
    order by r.known_on desc
    limit 1
) as d on true
left join billig.event_type as y on d.event_type = y.event_type
left join lateral (
    select h.kind, h.time_after
    from billig.event_change as h
    where h.event = e.event
    order by h.event_change desc
    limit 1
) as c on true
where
    -- An event that has no time yet has no day to go by.
    (e.event_time is not null or d.event_date is not null)
    and (d.event_date, y.event_type_name, d.is_cancelled)
    is distinct from (e.event_time::date, e.event_type, coalesce(c.kind = 'CANCELLED', false))
    or c.time_after <> e.event_time;

comment on view consistency.event_date is
'What vouchers go by (billig.event_date) is the programme''s: the date and the type of the event, and whether it is cancelled (billig.event_change), whose newest row has the event''s time. A row means that an event was changed with the triggers off.';
