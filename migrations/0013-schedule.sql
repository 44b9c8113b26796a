-- depends: 0012-execution
-- What is due when: the schedule of jobs, and what a run counts for in it.

insert into jobs.job (job, job_note)
values
('net_expiry', 'Lets web sales go that were not paid in time'),
('reservation_expiry', 'Lets reservations go that were not paid in time'),
('log_rollup', 'Adds new rows of the ticket log to the totals'),
('consistency', 'Runs all consistency views; fails where one returns a row')
on conflict (job) do nothing;

create table jobs.schedule (
    job text not null,
    enabled boolean not null default true,
    since timestamptz not null default now(),
    job_order int not null,
    period_kind text not null,
    every interval,
    at_time time,
    month_day int,
    catch_up_days int not null default 31,
    retry_after interval not null,
    partial_after interval not null default '1 hour',
    grace interval not null,
    statement_timeout interval not null,
    constraint schedule_pkey primary key (job),
    constraint schedule_job_fkey foreign key (job) references jobs.job (job),
    constraint schedule_job_order_key unique (job_order),
    constraint schedule_period_kind_check check (period_kind in ('none', 'day', 'month')),
    constraint schedule_clock_check check (
        (every is null) <> (at_time is null) and (every is null or period_kind = 'none')
    ),
    -- Shorter than a day and free of days, whose length the clock's change alters.
    constraint schedule_every_check check (
        every >= interval '1 second' and every <= interval '23 hours'
        and extract(day from every) = 0 and extract(month from every) = 0 and extract(year from every) = 0
    ),
    constraint schedule_at_time_check check (at_time < time '24:00'),
    constraint schedule_month_day_check check (
        month_day is null or (month_day >= 1 and month_day <= 28 and period_kind = 'month')
    ),
    constraint schedule_catch_up_days_check check (catch_up_days between 1 and 366),
    constraint schedule_delay_check check (
        retry_after > interval '0' and partial_after > interval '0'
        and grace > interval '0' and statement_timeout > interval '0'
    )
);
comment on table jobs.schedule is
'When each job is due, a row a job; jobs.awaited reads it. Local times are of marketplace.time_zone: each local day has each of them once, the later one where an hour comes twice, an hour later where it is left out.';
comment on column jobs.schedule.job is 'The job';
comment on column jobs.schedule.enabled is 'False: never due';
comment on column jobs.schedule.since is 'From when on; nothing is caught up from before. A month counts by its own state, not by this';
comment on column jobs.schedule.job_order is 'Which of several that are due comes first, the lowest';
comment on column jobs.schedule.period_kind is
'What a run is for: none (all there is by now, so that one run makes up for many), day (each local day that is over), month (a month of the marketplace)';
comment on column jobs.schedule.every is 'How often; it begins at whole multiples. Null: at_time';
comment on column jobs.schedule.at_time is 'Local time of day. Null: every';
comment on column jobs.schedule.month_day is
'Day of the following month on which a month is due; null: of months, each night of the open one, and once after its close';
comment on column jobs.schedule.catch_up_days is 'Of days: how many are looked back for what has not succeeded';
comment on column jobs.schedule.retry_after is 'How long after a run failed it is due again; one that crashed is due at once';
comment on column jobs.schedule.partial_after is 'How long after a run did a part it is due again';
comment on column jobs.schedule.grace is 'How long after it was due a job without success is late (report.job_health)';
comment on column jobs.schedule.statement_timeout is 'How long a statement of it may take';

insert into jobs.schedule (
    job, enabled, job_order, period_kind, every, at_time, month_day, retry_after, grace, statement_timeout
)
values
('net_expiry', true, 10, 'none', '1 minute', null, null, '1 minute', '10 minutes', '1 minute'),
('reservation_expiry', true, 20, 'none', '1 minute', null, null, '1 minute', '10 minutes', '1 minute'),
('log_rollup', true, 30, 'none', '5 minutes', null, null, '5 minutes', '30 minutes', '10 minutes'),
('marketplace_partitions', true, 40, 'none', null, '00:10', null, '15 minutes', '1 day', '10 minutes'),
('marketplace_update', true, 50, 'none', null, '00:30', null, '15 minutes', '6 hours', '3 hours'),
('marketplace_close', true, 60, 'month', null, '01:00', 1, '15 minutes', '6 hours', '3 hours'),
('marketplace_verify', true, 70, 'month', null, '01:30', null, '1 hour', '6 hours', '3 hours'),
('marketplace_execute', true, 80, 'none', '15 minutes', null, null, '15 minutes', '6 hours', '1 minute'),
('consistency', true, 100, 'none', null, '03:30', null, '1 hour', '6 hours', '3 hours');

alter table jobs.job_run add column as_of timestamptz;
update jobs.job_run set as_of = started_at;
alter table jobs.job_run alter column as_of set default clock_timestamp();
-- squawk-ignore adding-not-nullable-field -- few rows, and no scheduler before this migration
alter table jobs.job_run alter column as_of set not null;
comment on column jobs.job_run.as_of is
'The moment that it took for now: its success counts for what was due by then';

-- The newest run of a period, its newest success, and what has no end yet: each found without the runs before. Newest is
-- by started_at: by the key, the planner would walk back through all jobs' runs to find a rare one's.
-- squawk-ignore require-concurrent-index-deletion -- made anew below, in the same transaction
drop index jobs.job_run_job_idx;
create index job_run_period_idx on jobs.job_run (job, period, started_at, job_run)
where outcome is distinct from 'skipped';
create index job_run_success_idx on jobs.job_run (job, period, as_of) where outcome = 'succeeded';
create index job_run_open_idx on jobs.job_run (job, period) where outcome is null;
create index job_run_job_idx on jobs.job_run (job, started_at, job_run);

-- squawk-ignore ban-drop-function -- takes p_now as well from now on
drop function if exists jobs.begin_run(text, text);
