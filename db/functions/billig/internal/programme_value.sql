create or replace function billig.programme_value(p_kind text, p_text text)
returns text
language sql immutable
begin atomic
    select case p_kind
        when 'text' then case when books.fits_line(p_text) then p_text end
        when 'note' then case when books.fits_prose(p_text) then p_text end
        when 'whole' then
            case when p_text ~ '^[0-9]{1,9}([.,]00)?$' then regexp_replace(p_text, '[.,]00$', '')::int::text end
        when 'money' then
            case when p_text ~ '^[0-9]{1,8}([.,][0-9]{1,2})?$' then replace(p_text, ',', '.')::numeric(10, 2)::text end
        when 'boolean' then
            case
                when lower(p_text) in ('true', 't', 'yes', 'y', 'ja', 'j', '1') then 'true'
                when lower(p_text) in ('false', 'f', 'no', 'n', 'nei', '0') then 'false'
            end
        when 'time' then
            case
                when p_text ~ '^(20[0-9]{2}|2100)-(0[1-9]|1[0-2])-[0-3][0-9][ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$'
                then case
                    when substr(p_text, 9, 2)::int between 1 and extract(day from
                        make_date(left(p_text, 4)::int, substr(p_text, 6, 2)::int, 1) + interval '1 month - 1 day'
                    )
                    then rpad(replace(p_text, 'T', ' '), 19, ':00')
                end
            end
    end;
end;

comment on function billig.programme_value(text, text) is
'A field of a programme file in the form that PostgreSQL reads, whatever the session''s settings; null where it is not of its kind (billig.programme_column). A decimal comma, whole numbers with two zeros after it, ja and nei, and a T in a time are understood.';
