create or replace view report.payment_event as
select
    e.payment_attempt_event,
    e.payment_attempt,
    a.transaction,
    a.profile,
    a.kind,
    e.from_state,
    e.event as step,
    e.to_state,
    e.happened_at,
    e.written_at,
    e.written_by,
    e.job_run,
    e.note,
    (select p.profile_name from marketplace.profile as p where p.profile = a.profile) as profile_name
from marketplace.payment_attempt_event as e
inner join marketplace.payment_attempt as a on e.payment_attempt = a.payment_attempt;

comment on view report.payment_event is 'Every step of every attempt, in order, and who made it: what explains each øre that moved.';
comment on column report.payment_event.payment_attempt_event is 'Number of the step, in order';
comment on column report.payment_event.payment_attempt is 'The attempt (report.payment_attempt)';
comment on column report.payment_event.transaction is 'The transaction of the marketplace (report.marketplace_transaction)';
comment on column report.payment_event.profile is 'Whose transaction';
comment on column report.payment_event.kind is 'CHARGE, PAYOUT or REFUND: kind of the attempt';
comment on column report.payment_event.from_state is 'State before; empty: there was none';
comment on column report.payment_event.step is 'What happened';
comment on column report.payment_event.to_state is 'State after';
comment on column report.payment_event.happened_at is 'When it happened';
comment on column report.payment_event.written_at is 'When it was written down, by the server''s clock';
comment on column report.payment_event.written_by is 'Role that wrote it down';
comment on column report.payment_event.job_run is 'The run that did it (report.job_run); null: a person, or the gateway''s own word';
comment on column report.payment_event.note is 'The gateway''s codes and message, or a person''s reason';
comment on column report.payment_event.profile_name is 'Its name, as it is now';
