create or replace view report.job_run as
select
    r.job_run,
    r.job,
    r.period,
    r.started_by,
    r.started_at,
    r.finished_at,
    case
        when r.error_code = '57P01' then null
        when s.state = 'running' then clock_timestamp() - r.started_at
        else r.finished_at - r.started_at
    end as duration,
    s.state,
    r.row_count,
    r.error_code,
    r.error_message,
    j.job_note
from jobs.job_run as r
inner join jobs.job as j on r.job = j.job
cross join lateral (
    select
        case
            when r.outcome is not null then r.outcome
            when jobs.is_alive(r.backend_pid, r.backend_started_at) then 'running'
            else 'crashed'
        end as state
) as s;

comment on view report.job_run is
'Runs of jobs, newest last (M5). state is the outcome, or running, or crashed: it has no outcome and its session is gone.';
comment on column report.job_run.job_run is 'Number of the run';
comment on column report.job_run.job is 'The job';
comment on column report.job_run.period is 'What it is for, such as a month''s first day; null: no period';
comment on column report.job_run.started_by is 'Role that started it';
comment on column report.job_run.started_at is 'When it began';
comment on column report.job_run.finished_at is 'When it ended, or was found dead; null: it runs, or has crashed';
comment on column report.job_run.duration is 'From its start to its end, or until now while it runs; null: it crashed, and nobody knows when';
comment on column report.job_run.state is 'succeeded, partial, failed, skipped, running or crashed';
comment on column report.job_run.row_count is 'How many rows it was about; null: it did not say';
comment on column report.job_run.error_code is 'SQLSTATE of what went wrong; null: nothing did';
comment on column report.job_run.error_message is 'What went wrong; null: nothing did';
comment on column report.job_run.job_note is 'What the job does';
