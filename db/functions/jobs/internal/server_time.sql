create or replace function jobs.server_time(p_now timestamptz)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, jobs, pg_temp
as $$
begin
    -- One function hands its own time on to another: that is the server's.
    if p_now is null or p_now = now() then
        return now();
    end if;
    if not exists (select from deploy.test_clock) then
        raise exception 'the time is the server''s' using
            errcode = '23B78',
            detail = format('p_now %s; the server''s clock says %s.', p_now, clock_timestamp()),
            hint = 'Leave p_now out. Only a database that a superuser has marked for tests (deploy.test_clock), for good, takes another time.';
    end if;
    perform books.check_moment('p_now', p_now);
    return p_now;
end;
$$;

comment on function jobs.server_time(timestamptz) is
'What a function that writes takes for now: the server''s clock. Another time, p_now, only in a database marked for tests (deploy.test_clock). 22023 it is out of reach; 23B78 the database is not marked.';
