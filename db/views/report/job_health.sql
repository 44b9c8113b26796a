create or replace view report.job_health as
select
    s.job,
    s.enabled,
    g.started_at as last_success_started_at,
    g.finished_at as last_success_at,
    now() - g.finished_at as last_success_age,
    l.job_run as last_job_run,
    l.started_at as last_started_at,
    l.period as last_period,
    case
        when l.outcome is not null then l.outcome
        when l.job_run is null then null
        when jobs.is_alive(l.backend_pid, l.backend_started_at) then 'running'
        else 'crashed'
    end as last_state,
    l.row_count as last_row_count,
    coalesce(f.failures, 0) as consecutive_failures,
    o.due_since,
    o.next_at,
    coalesce(o.failing_periods, 0) as failing_periods,
    coalesce(o.late, false) as late,
    l.error_code,
    l.error_message
from jobs.schedule as s
left join lateral (
    select r.started_at, r.finished_at
    from jobs.job_run as r
    where r.job = s.job and r.outcome = 'succeeded'
    order by r.started_at desc, r.job_run desc
    limit 1
) as g on true
left join lateral (
    select
        r.job_run, r.period, r.started_at, r.outcome, r.row_count, r.error_code, r.error_message,
        r.backend_pid, r.backend_started_at
    from jobs.job_run as r
    where r.job = s.job and r.outcome is distinct from 'skipped'
    order by r.started_at desc, r.job_run desc
    limit 1
) as l on true
left join lateral (
    select count(*) as failures
    from jobs.job_run as r
    where
        r.job = s.job and r.started_at >= coalesce(g.started_at, '-infinity')
        and (
            r.outcome = 'failed'
            or (r.outcome is null and not jobs.is_alive(r.backend_pid, r.backend_started_at))
        )
) as f on true
left join (
    select
        w.job,
        min(w.due_since) filter (where w.due_since <= now()) as due_since,
        min(w.ready_at) as next_at,
        count(*) filter (where w.due_since <= now() and w.state in ('failed', 'crashed')) as failing_periods,
        bool_or(w.late_at < now()) as late
    from jobs.outlook(now()) as w
    group by w.job
) as o on s.job = o.job;

comment on view report.job_health is
'How each job of the schedule does: one row per job. All is well where none is late and failing_periods is 0 everywhere.';
comment on column report.job_health.job is 'The job';
comment on column report.job_health.enabled is 'Whether the schedule runs it';
comment on column report.job_health.last_success_started_at is 'When its newest run that succeeded began, for whatever period';
comment on column report.job_health.last_success_at is 'When that run ended; null: it never succeeded';
comment on column report.job_health.last_success_age is 'How long ago that is';
comment on column report.job_health.last_job_run is 'Its newest run, save what was skipped; null: none yet';
comment on column report.job_health.last_started_at is 'When that began';
comment on column report.job_health.last_period is 'What that was for, such as a month''s first day';
comment on column report.job_health.last_state is 'How it went: succeeded, partial, failed, running or crashed';
comment on column report.job_health.last_row_count is 'How many rows that run was about; null: did not say';
comment on column report.job_health.consecutive_failures is 'Runs that failed or crashed since its last success';
comment on column report.job_health.due_since is 'Since when it has been due, the oldest period; null: it is not due';
comment on column report.job_health.next_at is 'When it runs next: past where it is due now, later than it was due after a failure';
comment on column report.job_health.failing_periods is 'Periods that are due and whose newest run failed or crashed';
comment on column report.job_health.late is 'Whether it has been due for longer than its grace (jobs.schedule)';
comment on column report.job_health.error_code is 'SQLSTATE of the newest run, where it went wrong';
comment on column report.job_health.error_message is 'What went wrong with it';
