create or replace function jobs.is_alive(
    p_backend_pid int, p_backend_started_at timestamptz, p_idle interval default '15 minutes'
)
returns boolean
language sql volatile parallel restricted security definer
set search_path = pg_catalog, jobs, pg_temp
return exists (
    select from pg_stat_get_activity(p_backend_pid) as a
    where
        -- Null: who asks may not know, and then it counts as alive.
        (a.backend_start is null or a.backend_start = p_backend_started_at)
        -- A pool keeps a session when its program is gone. A run asks and answers; what it waits for outside, a gateway
        -- say, takes seconds.
        and not coalesce(a.state = 'idle' and a.state_change < clock_timestamp() - p_idle, false)
);

comment on function jobs.is_alive(int, timestamptz, interval) is
'Whether the session of this process, which began then, is still there, and was at work within p_idle: a process number alone may be given to another, and a pooled session outlives its program.';
