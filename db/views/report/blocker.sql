create or replace view report.blocker as
select
    b.pid,
    b.login_role,
    b.application_name,
    b.state,
    b.open_for,
    b.waiting,
    b.waited,
    b.tables
from jobs.blockers() as b;

comment on view report.blocker is
'Who holds others up now: one row per session that somebody waits for. pg_terminate_backend(pid) ends it, by a superuser or a member of pg_signal_backend.';
comment on column report.blocker.pid is 'Its process; 0: transactions that were prepared (pg_prepared_xacts), and wait for COMMIT PREPARED or ROLLBACK PREPARED by whoever began them';
comment on column report.blocker.login_role is 'Who logged in; null: a process of the server, or prepared';
comment on column report.blocker.application_name is 'What its program calls itself; null: prepared';
comment on column report.blocker.state is 'active: at work; idle in transaction: waits for its program, and keeps what it locked; prepared: pid 0';
comment on column report.blocker.open_for is 'How long its transaction has been open; null: prepared';
comment on column report.blocker.waiting is 'How many sessions wait for it';
comment on column report.blocker.waited is 'How long the longest of them has';
comment on column report.blocker.tables is 'Which tables, or rows of which, they wait for; empty: a transaction''s end';
