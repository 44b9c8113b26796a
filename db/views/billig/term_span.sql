create or replace view billig.term_span as
select
    p.event,
    c.vat_code,
    p.first_day,
    lead(p.first_day) over (partition by p.event, c.vat_code order by p.first_day) as next_day,
    t.is_held,
    t.term
from (
    -- the days on which an answer may change
    select
        e.event,
        '-infinity'::date as first_day
    from billig.event as e
    union
    select
        s.event,
        d.day
    from billig.event_state as s
    cross join lateral (values (s.known_on), (s.held_on::date)) as d (day)
    where d.day < 'infinity'
    union
    select
        e.event,
        v.valid_from
    from billig.event as e
    cross join (select distinct r.valid_from from books.vat_term_rule as r) as v
) as p
cross join books.vat_code as c
cross join lateral billig.term_on(p.event, c.vat_code, p.first_day) as t;

comment on view billig.term_span is
'What billig.term_on answers for each event and VAT code, from first_day on until the day before next_day (null: still): for whoever asks it of many rows at once.';
