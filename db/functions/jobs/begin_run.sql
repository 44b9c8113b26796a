create or replace function jobs.begin_run(p_job text, p_period text default '')
returns table (job_run bigint, outcome text)
language plpgsql security definer
set search_path = pg_catalog, jobs, pg_temp
as $$
#variable_conflict use_column
declare
    v_run bigint;
begin
    if not exists (select from jobs.job as j where j.job = p_job) then
        raise exception 'no such job' using
            errcode = 'P0002',
            detail = format('Job %L.', p_job),
            hint = 'Jobs stand in jobs.job.';
    end if;
    if not pg_try_advisory_lock(jobs.lock_of(p_job, coalesce(p_period, ''))) then
        return query
        insert into jobs.job_run (job, period, finished_at, outcome)
        values (p_job, coalesce(p_period, ''), clock_timestamp(), 'skipped')
        returning job_run, outcome;
        return;
    end if;
    -- Whoever holds the lock is alone: earlier runs that say nothing of their end have crashed,
    -- or this very session abandoned them, and still holds their locks.
    perform pg_advisory_unlock(jobs.lock_of(r.job, r.period)), pg_advisory_unlock(jobs.lock_of('run', r.job_run::text))
    from jobs.job_run as r
    where
        r.job = p_job and r.period = coalesce(p_period, '') and r.outcome is null
        and r.backend_pid = pg_backend_pid() and jobs.is_held(jobs.lock_of('run', r.job_run::text));
    update jobs.job_run as r
    set
        finished_at = clock_timestamp(), outcome = 'failed', error_code = '57P01',
        error_message = 'its session was gone before it ended'
    where r.job = p_job and r.period = coalesce(p_period, '') and r.outcome is null;
    insert into jobs.job_run (job, period)
    values (p_job, coalesce(p_period, ''))
    returning job_run into v_run;
    perform pg_advisory_lock(jobs.lock_of('run', v_run::text));
    return query select v_run, null::text;
end;
$$;

comment on function jobs.begin_run(text, text) is
'Begins a run of a job for a period; commit it before the work, so that the run is seen. outcome null: go on; skipped: another session is at it. The session holds advisory locks until finish_run, or until it ends. P0002 no such job.';
