create or replace function jobs.outlook(p_now timestamptz default now())
returns table (
    job text, period text, due_since timestamptz, ready_at timestamptz, late_at timestamptz, state text, job_order int
)
language sql volatile security definer
set search_path = pg_catalog, jobs, pg_temp
set datestyle = 'ISO, MDY'
begin atomic
    select books.check_moment('p_now', p_now);

    select
        a.job, a.period, a.due_since, w.ready_at,
        case when l.state = 'partial' then w.ready_at else a.due_since end + s.grace,
        l.state, s.job_order
    from jobs.awaited(p_now) as a
    inner join jobs.schedule as s on a.job = s.job
    left join lateral (
        select
            r.job_run, r.outcome, r.as_of, r.backend_pid, r.backend_started_at,
            r.finished_at - r.started_at as duration
        from jobs.job_run as r
        where r.job = a.job and r.period = a.period and r.outcome is distinct from 'skipped'
        order by r.started_at desc, r.job_run desc
        limit 1
    ) as r on true
    cross join lateral (
        select
            case
                when r.job_run is null or r.outcome = 'succeeded' then 'new'
                when r.outcome is not null then r.outcome
                when jobs.is_alive(r.backend_pid, r.backend_started_at) then 'running'
                else 'crashed'
            end as state
    ) as l
    cross join lateral (
        select
            greatest(
                a.due_since,
                -- By the run's own clock, so that it also holds where p_now is not the server's.
                case l.state
                    when 'failed' then r.as_of + r.duration + s.retry_after
                    when 'partial' then r.as_of + r.duration + s.partial_after
                end
            ) as ready_at
    ) as w;
end;

comment on function jobs.outlook(timestamptz) is
'What the schedule waits for, as jobs.awaited has it, and how it stands: when it may run (after a failure, later than it was due), when it counts as late, and how its newest run went: new (none since it succeeded), running, crashed, failed or partial.';
