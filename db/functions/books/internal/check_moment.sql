create or replace function books.check_moment(p_name text, p_moment timestamptz)
returns void
language plpgsql immutable
as $$
begin
    perform p_moment::books.moment;
exception
    when check_violation then
        raise exception 'a time is out of reach' using
            errcode = '22023',
            detail = format('%s is not in the years from 2000 to 2100.', p_name),
            hint = 'Pass a time near now, or leave it out.';
end;
$$;

comment on function books.check_moment(text, timestamptz) is
'Refuses (22023) a time that books.moment does not take. May be null: p_moment.';
