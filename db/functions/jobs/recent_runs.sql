create or replace function jobs.recent_runs(p_days int default 7)
returns table (
    job_run bigint, job text, job_note text, period text, state text, started_at timestamptz, finished_at timestamptz, row_count bigint
)
language plpgsql stable security definer
set search_path = pg_catalog, jobs, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
begin
    if p_days is null or p_days not between 1 and 366 then
        raise exception 'runs are shown of some days' using
            errcode = '22023',
            detail = format('%s days.', p_days),
            hint = '1 to 366.';
    end if;
    return query
    select
        r.job_run, r.job::text, j.job_note::text, r.period::text,
        case
            when r.outcome is not null then r.outcome
            when jobs.is_alive(r.backend_pid, r.backend_started_at) then 'running'
            else 'crashed'
        end,
        r.started_at, r.finished_at, r.row_count
    from jobs.job_run as r
    inner join jobs.job as j on r.job = j.job
    where r.started_at >= now() - make_interval(days => p_days)
    order by r.job_run desc;
end;
$$;

comment on function jobs.recent_runs(int) is
'Runs of jobs of the last p_days days, newest first, for the pages of a site''s operators: what each did, and how it ended (running, crashed, or its outcome). What went wrong in words is in report.job_run, since it may name people. 22023. period is empty of a job that has none. May be null: finished_at, row_count.';
