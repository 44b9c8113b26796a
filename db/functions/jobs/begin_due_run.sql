create or replace function jobs.begin_due_run(p_job text, p_period text, p_now timestamptz default null)
returns table (job_run bigint, as_of timestamptz, statement_timeout interval)
language plpgsql security definer
set search_path = pg_catalog, jobs, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_now timestamptz;
begin
    perform books.check_text('p_job', p_job, 'p_period', p_period);
    perform jobs.server_time(p_now);
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'ask what is due in a transaction at isolation level read committed' using
            errcode = '25000',
            detail = format('This one is %s, and may not see the run before.', current_setting('transaction_isolation')),
            hint = 'Begin it with ISOLATION LEVEL READ COMMITTED.';
    end if;
    -- Only until commit, so that no way out leaves it behind; what is begun takes it for the session.
    if not pg_try_advisory_xact_lock(jobs.lock_of(p_job, p_period)) then
        return;
    end if;
    -- finish_run lets the lock go before it commits: wait for that, or its success is not seen below.
    perform from jobs.job_run as r where r.job = p_job and r.period = p_period and r.outcome is null for update;
    v_now := coalesce(p_now, clock_timestamp());
    if not exists (select from jobs.due(v_now) as d where d.job = p_job and d.period = p_period) then
        return;
    end if;
    perform pg_advisory_lock(jobs.lock_of(p_job, p_period));
    return query
    select jobs.new_run(s.job, p_period, v_now), v_now, s.statement_timeout
    from jobs.schedule as s
    where s.job = p_job;
end;
$$;

comment on function jobs.begin_due_run(text, text, timestamptz) is
'Begins a run if it is still due, looked at under its lock: however many ask at once, one begins. No row: another session is at it, or it is done, or not due. as_of is what it takes for now (p_now; null: the clock). Commit it before the work. 25000: not READ COMMITTED.';
