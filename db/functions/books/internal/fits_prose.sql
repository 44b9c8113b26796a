create or replace function books.fits_prose(p_text text)
returns boolean
language plpgsql immutable
as $$
begin
    perform p_text::books.prose;
    return true;
exception
    when check_violation then
        return false;
end;
$$;

comment on function books.fits_prose(text) is
'Whether books.prose takes a text: the domain alone says which.';
