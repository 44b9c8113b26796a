create or replace function jobs.due(p_now timestamptz default now())
returns table (job text, period text, due_since timestamptz, state text)
language sql volatile security definer
set search_path = pg_catalog, jobs, pg_temp
set datestyle = 'ISO, MDY'
begin atomic
    select o.job, o.period, o.due_since, o.state
    from jobs.outlook(p_now) as o
    where o.ready_at <= p_now and o.state <> 'running'
    order by o.job_order, o.due_since, o.period;
end;

comment on function jobs.due(timestamptz) is
'What is to be run at p_now, in this order: by job, and of a job the oldest first. state is new, failed, partial or crashed: how the run before went. A few look-ups a job, however long the history.';
