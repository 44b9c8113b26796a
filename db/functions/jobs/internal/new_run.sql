create or replace function jobs.new_run(p_job text, p_period text, p_as_of timestamptz)
returns bigint
language plpgsql
set search_path = pg_catalog, jobs, pg_temp
as $$
declare
    v_started timestamptz := (select a.backend_start from pg_stat_get_activity(pg_backend_pid()) as a);
    v_run bigint;
begin
    -- Crashed, or abandoned by this very session.
    update jobs.job_run as r
    set
        finished_at = clock_timestamp(), outcome = 'failed', error_code = '57P01',
        error_message = 'its session was gone before it ended'
    where
        r.job = p_job and r.period = p_period and r.outcome is null
        and (r.backend_pid = pg_backend_pid() or not jobs.is_alive(r.backend_pid, r.backend_started_at));
    insert into jobs.job_run (job, period, as_of, backend_started_at)
    values (p_job, p_period, p_as_of, v_started)
    on conflict (job, period) where outcome is null do nothing
    returning job_run into v_run;
    return v_run;
end;
$$;

comment on function jobs.new_run(text, text, timestamptz) is
'The number of a new run of a job whose turn this session has taken; a run before it that never ended is marked failed, 57P01. Null: another session is at it.';
