create or replace function books.check_day(p_name text, p_day date)
returns void
language plpgsql immutable
as $$
begin
    perform p_day::books.day;
exception
    when check_violation then
        raise exception 'a day is out of reach' using
            errcode = '22023',
            detail = format('%s is of the year %s.', p_name, extract(year from p_day)),
            hint = 'Days of business are from 2000-01-01 to 2100-12-31.';
end;
$$;

comment on function books.check_day(text, date) is
'Refuses (22023) a day that books.day does not take. May be null: p_day.';
