create or replace function billig.term_on(p_event int, p_vat_code smallint, p_day date)
returns table (is_held boolean, term text)
language sql stable parallel safe
rows 1
begin atomic
    select
        coalesce(s.held_on <= p_day, true),
        coalesce(t.term, 'DELIVERY')
    from (values (true)) as one
    left join lateral (
        select e.held_on, e.event_type
        from billig.event_state as e
        where e.event = p_event and e.known_on <= p_day
        order by e.known_on desc
        limit 1
    ) as s on true
    left join lateral (
        select v.term
        from books.vat_term_rule as v
        where
            v.vat_code = p_vat_code
            and (v.event_type is null or v.event_type = s.event_type)
            and v.valid_from <= p_day
        order by v.event_type is null, v.valid_from desc
        limit 1
    ) as t on true;
end;

comment on function billig.term_on(int, smallint, date) is
'How what is sold of an event under a VAT code on a day counts: is_held, whether the event''s day had come at the end of it; term, SALE or DELIVERY, which VAT term it belongs to (books.vat_term).';
