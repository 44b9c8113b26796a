create or replace view report.payment_attempt as
select
    a.payment_attempt,
    a.transaction,
    t.month,
    a.profile,
    p.profile_name,
    a.kind,
    a.attempt_number,
    (a.amount / 100.0)::numeric(14, 2) as amount,
    a.currency,
    a.gateway,
    a.state,
    a.gateway_id,
    a.error_code,
    a.decline_code,
    a.message,
    a.alarm,
    (a.refunded / 100.0)::numeric(14, 2) as refunded,
    a.returned_at,
    a.sent,
    a.prepared_at,
    a.submitted_at,
    a.resolved_at,
    a.next_retry_at,
    a.job_run
from marketplace.payment_attempt as a
inner join marketplace.transaction as t on a.transaction = t.transaction
inner join marketplace.profile as p on a.profile = p.profile;

comment on view report.payment_attempt is
'Every attempt to charge, pay or refund a transaction (M6). NOK, above 0; what was asked of the gateway, and with which means, is not shown. alarm: a person must look.';
comment on column report.payment_attempt.amount is 'NOK, above 0';
comment on column report.payment_attempt.refunded is 'NOK of a CHARGE that were, or are to be, given back';
