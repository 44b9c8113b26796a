create or replace function books.fits_line(p_text text)
returns boolean
language plpgsql immutable
as $$
begin
    perform p_text::books.line;
    return true;
exception
    when check_violation then
        return false;
end;
$$;

comment on function books.fits_line(text) is
'Whether books.line takes a text: the domain alone says which.';
