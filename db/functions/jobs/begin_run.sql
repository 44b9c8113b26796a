create or replace function jobs.begin_run(p_job text, p_period text default '', p_now timestamptz default null)
returns table (job_run bigint, outcome text)
language plpgsql security definer
set search_path = pg_catalog, jobs, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_period text := coalesce(p_period, '');
    v_run bigint;
begin
    perform books.check_text('p_job', p_job, 'p_period', p_period);
    if not jobs.is_period(v_period) then
        raise exception 'a period is a day, or none' using
            errcode = '22023',
            detail = format('Period %L of job %s.', p_period, p_job),
            hint = 'YYYY-MM-DD: of a month its first day. Leave it out where the job has no period.';
    end if;
    perform jobs.server_time(p_now);
    if
        exists (select from jobs.job as j where j.job = p_job and j.is_check)
        and not pg_has_role(session_user, 'scheduler', 'member')
    then
        raise exception 'a check is run by the scheduler' using
            errcode = '42501',
            detail = format('Job %s, login role %s.', p_job, session_user),
            hint = 'pybridge check, or marketplace.verify_month, look at once and record nothing.';
    end if;
    perform jobs.take_turn(p_job);
    -- A trial of the future counts for no more than now: what is due then will be due.
    v_run := jobs.new_run(p_job, v_period, least(p_now, clock_timestamp()));
    if v_run is not null then
        return query select v_run, null::text;
        return;
    end if;
    return query
    insert into jobs.job_run (job, period, finished_at, outcome)
    values (p_job, v_period, clock_timestamp(), 'skipped')
    returning job_run, outcome;
end;
$$;

comment on function jobs.begin_run(text, text, timestamptz) is
'Begins a run of a job for a period; commit it before the work, so that the run is seen. p_now: what it takes for now, null for the clock; its success counts for what was due by then. outcome null: go on; skipped: another session is at it. The run is this session''s until finish_run, or until the session ends. 22023 the period is no day; 25000 not READ COMMITTED; 55P03 another session has been beginning a run of it for longer than lock_timeout; 42501 it checks, and who calls is no scheduler; P0002 no such job. May be null: outcome.';
