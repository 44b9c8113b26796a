create or replace function marketplace.click_moment(p_text text)
returns timestamptz
language sql stable parallel safe
return case
    when
        p_text !~ '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?( ?(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?))?$'
        then null
    when
        substr(p_text, 9, 2) > '28'
        and substr(p_text, 9, 2)::int > extract(
            day from make_date(substr(p_text, 1, 4)::int, substr(p_text, 6, 2)::int, 1) + interval '1 month' - interval '1 day'
        )
        then null
    when substr(p_text, 17) ~ '[Z+-]' then p_text::timestamptz
    -- An hour that is skipped when the clocks are put forward is no time: it does not come back as it went.
    when
        (p_text::timestamp at time zone books.time_zone()) at time zone books.time_zone() = p_text::timestamp
        then p_text::timestamp at time zone books.time_zone()
end;

comment on function marketplace.click_moment(text) is
'The moment that a file of clicks writes as 2026-02-03 14:05:06, with T or a blank, with or without seconds and fractions; with an offset (Z, +01, +01:00), or else local, where the hour that comes twice is its second: winter time. Null: no such time.';
