create or replace function jobs.is_alive(p_backend_pid int, p_backend_started_at timestamptz)
returns boolean
language sql volatile parallel restricted security definer
set search_path = pg_catalog, jobs, pg_temp
return exists (
    select from pg_stat_get_activity(p_backend_pid) as a
    -- Null: who asks may not know, and then it counts as alive.
    where a.backend_start is null or a.backend_start = p_backend_started_at
);

comment on function jobs.is_alive(int, timestamptz) is
'Whether the session of this process, which began then, is still there: a process number alone may be given to another.';
