create or replace function books.fits_day(p_day date)
returns boolean
language plpgsql immutable
as $$
begin
    perform p_day::books.day;
    return true;
exception
    when check_violation then
        return false;
end;
$$;

comment on function books.fits_day(date) is
'Whether books.day takes a day: the domain alone says which. May be null: p_day.';
