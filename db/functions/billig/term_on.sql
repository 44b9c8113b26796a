create or replace function billig.term_on(p_event int, p_vat_code smallint, p_day date)
returns table (is_held boolean, term text)
language sql stable parallel safe
rows 1
begin atomic
    select
        coalesce(s.held_on <= p_day, true),
        coalesce(t.term, 'DELIVERY')
    from (values (true)) as one
    left join billig.event_state as s on s.event = p_event and s.known_on <= p_day and s.known_until > p_day
    left join lateral (
        select v.term
        from books.vat_term_period as v
        where
            v.vat_code = p_vat_code
            and (v.event_type is null or v.event_type = s.event_type)
            and v.valid_from <= p_day
            and v.valid_until > p_day
        order by v.event_type is null
        limit 1
    ) as t on true;
end;

comment on function billig.term_on(int, smallint, date) is
'How what is sold of an event under a VAT code on a day counts: is_held, whether the event''s day had come at the end of it; term, SALE or DELIVERY, which VAT term it belongs to (books.vat_term).';
