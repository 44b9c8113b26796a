create or replace view report.payment_event as
select
    e.payment_attempt_event,
    e.payment_attempt,
    a.transaction,
    a.profile,
    a.kind,
    e.from_state,
    e.event,
    e.to_state,
    e.happened_at,
    e.written_at,
    e.written_by,
    e.job_run,
    e.note
from marketplace.payment_attempt_event as e
inner join marketplace.payment_attempt as a on e.payment_attempt = a.payment_attempt;

comment on view report.payment_event is 'Every step of every attempt, in order, and who made it: what explains each øre that moved.';
