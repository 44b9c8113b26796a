create or replace function books.check_count(p_name text, p_count int)
returns void
language plpgsql immutable
as $$
begin
    if p_count < 0 or p_count is null then
        raise exception 'a count is 0 or more' using
            errcode = '22023',
            detail = format('%s is %s.', p_name, coalesce(p_count::text, 'null')),
            hint = 'Pass how many there may be.';
    end if;
end;
$$;

comment on function books.check_count(text, int) is
'Refuses (22023) a count below 0, or none. May be null: p_count.';
