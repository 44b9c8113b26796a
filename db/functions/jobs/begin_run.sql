create or replace function jobs.begin_run(p_job text, p_period text default '', p_now timestamptz default null)
returns table (job_run bigint, outcome text)
language plpgsql security definer
set search_path = pg_catalog, jobs, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
begin
    perform books.check_text('p_job', p_job, 'p_period', p_period);
    perform jobs.server_time(p_now);
    if not exists (select from jobs.job as j where j.job = p_job) then
        raise exception 'no such job' using
            errcode = 'P0002',
            detail = format('Job %L.', p_job),
            hint = 'Jobs are in jobs.job.';
    end if;
    if not pg_try_advisory_lock(jobs.lock_of(p_job, coalesce(p_period, ''))) then
        return query
        insert into jobs.job_run (job, period, finished_at, outcome)
        values (p_job, coalesce(p_period, ''), clock_timestamp(), 'skipped')
        returning job_run, outcome;
        return;
    end if;
    -- A trial of the future counts for no more than now: what is due then will be due.
    return query
    select jobs.new_run(p_job, coalesce(p_period, ''), least(p_now, clock_timestamp())), null::text;
end;
$$;

comment on function jobs.begin_run(text, text, timestamptz) is
'Begins a run of a job for a period; commit it before the work, so that the run is seen. p_now: what it takes for now, null for the clock; its success counts for what was due by then. outcome null: go on; skipped: another session is at it. The session holds advisory locks until finish_run, or until it ends. P0002 no such job. May be null: outcome.';
