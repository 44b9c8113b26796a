create or replace function marketplace.in_words(
    p_text text, p_language text, p_day date, p_month date, p_minimum numeric, p_other bigint
)
returns text
language sql immutable
return replace(replace(replace(replace(
    p_text,
    '{day}', coalesce(to_char(p_day, case p_language when 'nb' then 'DD.MM.YYYY' else 'YYYY-MM-DD' end), '?')),
    '{month}', coalesce(to_char(p_month, case p_language when 'nb' then 'MM.YYYY' else 'YYYY-MM' end), '?')),
    '{minimum}', coalesce(case p_language when 'nb' then replace(p_minimum::text, '.', ',') else p_minimum::text end, '?')),
    '{other}', coalesce(p_other::text, '?'));

comment on function marketplace.in_words(text, text, date, date, numeric, bigint) is
'A text of marketplace.next_step with its day, month, minimum (NOK) and other transaction filled in, as p_language (nb, en) writes them; ? where there is none. May be null: p_day, p_month, p_minimum, p_other.';
