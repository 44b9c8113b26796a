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
    perform jobs.take_turn(p_job);
    v_now := coalesce(p_now, clock_timestamp());
    if not exists (select from jobs.due(v_now) as d where d.job = p_job and d.period = p_period) then
        return;
    end if;
    return query
    select r.job_run, v_now, s.statement_timeout
    from jobs.schedule as s
    cross join lateral (select jobs.new_run(s.job, p_period, v_now) as job_run) as r
    where s.job = p_job and r.job_run is not null;
end;
$$;

comment on function jobs.begin_due_run(text, text, timestamptz) is
'Begins a run if it is still due, looked at in the job''s turn: however many ask at once, one begins. No row: another session is at it, or it is done, or not due. as_of is what it takes for now (p_now; null: the clock). Commit it before the work. 25000 not READ COMMITTED; 55P03 another session has been beginning a run of it for longer than lock_timeout; P0002 no such job.';
