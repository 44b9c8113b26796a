create or replace function jobs.new_run(p_job text, p_period text, p_as_of timestamptz)
returns bigint
language plpgsql
set search_path = pg_catalog, jobs, pg_temp
as $$
declare
    v_run bigint;
begin
    -- Whoever holds the lock is alone: earlier runs that say nothing of their end have crashed,
    -- or this very session abandoned them, and still holds their locks.
    perform pg_advisory_unlock(jobs.lock_of(r.job, r.period)), pg_advisory_unlock(jobs.lock_of('run', r.job_run::text))
    from jobs.job_run as r
    where
        r.job = p_job and r.period = p_period and r.outcome is null
        and r.backend_pid = pg_backend_pid() and jobs.is_held(jobs.lock_of('run', r.job_run::text));
    update jobs.job_run as r
    set
        finished_at = clock_timestamp(), outcome = 'failed', error_code = '57P01',
        error_message = 'its session was gone before it ended'
    where r.job = p_job and r.period = p_period and r.outcome is null;
    insert into jobs.job_run (job, period, as_of)
    values (p_job, p_period, p_as_of)
    returning job_run into v_run;
    perform pg_advisory_lock(jobs.lock_of('run', v_run::text));
    return v_run;
end;
$$;

comment on function jobs.new_run(text, text, timestamptz) is
'The number of a new run, whose job and period this session has locked; runs before it that never ended are marked failed, 57P01.';
