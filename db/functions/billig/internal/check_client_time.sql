create or replace function billig.check_client_time(p_name text, p_time timestamp)
returns void
language plpgsql stable
as $$
begin
    if p_time not between billig.local_time() - interval '1 day' and billig.local_time() + interval '1 day' then
        raise exception 'a time is far from now' using
            errcode = '22023',
            detail = format('%s is %s, and now is %s.', p_name, to_char(p_time, 'YYYY-MM-DD HH24:MI:SS'),
                to_char(billig.local_time(), 'YYYY-MM-DD HH24:MI:SS')),
            hint = 'Set the local time of now, at most a day off: the log has the server''s own time.';
    end if;
end;
$$;

comment on function billig.check_client_time(text, timestamp) is
'Refuses (22023) a time that a client wrote and that is more than a day from now. May be null: p_time.';
