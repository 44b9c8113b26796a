create or replace view consistency.event_date as
select
    e.event,
    e.event_time::date as programme_date,
    d.event_date as recorded_date
from billig.event as e
left join lateral (
    select r.event_date
    from billig.event_date as r
    where r.event = e.event
    order by r.known_on desc
    limit 1
) as d on true
where d.event_date is distinct from e.event_time::date;

comment on view consistency.event_date is
'The date that vouchers go by (billig.event_date) is the programme''s. A row means that an event was moved with the triggers off.';
