create or replace function jobs.is_period(p_text text)
returns boolean
language sql immutable parallel safe
return case
    when p_text = '' then true
    when p_text !~ '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then false
    else substr(p_text, 9, 2)::int <= extract(
        day from make_date(substr(p_text, 1, 4)::int, substr(p_text, 6, 2)::int, 1) + interval '1 month' - interval '1 day'
    )
end;

comment on function jobs.is_period(text) is
'Whether a job may be run for it: a day of this century as YYYY-MM-DD, or nothing.';
