create or replace view billig.event_turn as
select
    c.event,
    c.turn_date,
    s.is_held,
    case when s.is_held then c.turn_date else b.held_date end as held_date
from (
    select
        event,
        event_date as turn_date
    from billig.event_date
    union
    select
        event,
        known_on
    from billig.event_date
    where known_on > '0001-01-01'
) as c
cross join lateral (
    select not e.is_cancelled and e.event_date <= c.turn_date as is_held
    from billig.event_date as e
    where e.event = c.event and e.known_on <= c.turn_date
    order by e.known_on desc
    limit 1
) as s
cross join lateral (
    select
        not e.is_cancelled and e.event_date < c.turn_date as was_held,
        greatest(e.event_date, e.known_on) as held_date
    from billig.event_date as e
    where e.event = c.event and e.known_on < c.turn_date
    order by e.known_on desc
    limit 1
) as b
where
    s.is_held <> b.was_held
    -- those of closed periods stay, should the clock go back
    and c.turn_date <= greatest(
        billig.local_time()::date,
        (select max(p.last_day) from books.accounting_period as p)
    );

comment on view billig.event_turn is
'The days on which an event''s day came (is_held), and those on which it was cancelled, or put off, after that, as it stood at the end of each day. Days to come are left out. held_date: the day that it was held on, before it was put off.';
