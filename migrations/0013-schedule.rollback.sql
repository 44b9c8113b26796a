-- The schedule is data that can be written again, and runs stay, so nothing is refused. Jobs that have run keep their row.
drop function if exists jobs.begin_run(text, text, timestamptz);
drop function if exists jobs.begin_due_run(text, text, timestamptz), jobs.new_run(text, text, timestamptz);
drop table jobs.schedule cascade;
drop index jobs.job_run_period_idx, jobs.job_run_success_idx, jobs.job_run_open_idx, jobs.job_run_job_idx;
create index job_run_job_idx on jobs.job_run (job, period, started_at);
alter table jobs.job_run drop column as_of cascade;
delete from jobs.job as j
where
    j.job in (
        'net_expiry', 'reservation_expiry', 'log_rollup', 'consistency'
    )
    and not exists (select from jobs.job_run as r where r.job = j.job);
