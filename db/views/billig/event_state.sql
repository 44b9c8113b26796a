create or replace view billig.event_state as
select
    h.event,
    s.from_date,
    s.to_date,
    s.is_held
from (
    select
        event,
        known_on,
        event_date,
        lead(known_on, 1, 'infinity') over (partition by event order by known_on) as known_until
    from billig.event_date
) as h
cross join lateral (
    values
    (h.known_on, least(h.event_date, h.known_until), false),
    (greatest(h.known_on, h.event_date), h.known_until, true)
) as s (from_date, to_date, is_held)
where s.from_date < s.to_date;

comment on view billig.event_state is
'Whether an event''s day had come, as the programme stood at the end of each day: from from_date, before to_date. An event that is put off after its day is not held again until its new day.';
