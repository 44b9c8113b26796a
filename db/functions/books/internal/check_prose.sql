create or replace function books.check_prose(p_name text, p_text text)
returns void
language plpgsql immutable
as $$
begin
    if not books.fits_prose(p_text) then
        raise exception 'a text has invisible characters, or is too long' using
            errcode = '22023',
            detail = format('%s, %s characters.', p_name, length(p_text)),
            hint = 'Line breaks and tabs are fine, other control and invisible characters are not; 20,000 characters at most.';
    end if;
end;
$$;

comment on function books.check_prose(text, text) is
'Refuses (22023) a text of several lines that books.prose does not take. May be null: p_text.';
