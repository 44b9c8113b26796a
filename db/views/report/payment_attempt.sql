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
    a.purse,
    (a.refunded / 100.0)::numeric(14, 2) as refunded,
    (a.disputed / 100.0)::numeric(14, 2) as disputed,
    (a.lost / 100.0)::numeric(14, 2) as lost,
    (a.credited / 100.0)::numeric(14, 2) as credited,
    (case when a.kind = 'CHARGE' and a.state = 'SUCCEEDED' then a.left_amount / 100.0 end)::numeric(14, 2) as left_amount,
    a.returned_at,
    a.sent,
    a.prepared_at,
    a.submitted_at,
    a.resolved_at,
    a.next_retry_at,
    a.job_run,
    a.is_ours
from marketplace.payment_attempt as a
inner join marketplace.transaction as t on a.transaction = t.transaction
inner join marketplace.profile as p on a.profile = p.profile;

comment on view report.payment_attempt is
'Every attempt to charge, pay or refund a transaction (M6). NOK, above 0; what was asked of the gateway, and with which means, is not shown. alarm: a person must look.';
comment on column report.payment_attempt.payment_attempt is 'Number of the attempt';
comment on column report.payment_attempt.transaction is 'The transaction of the marketplace (report.marketplace_transaction)';
comment on column report.payment_attempt.month is 'First day of the month';
comment on column report.payment_attempt.profile is 'Whose transaction';
comment on column report.payment_attempt.profile_name is 'Its name, as it is now';
comment on column report.payment_attempt.kind is 'CHARGE: takes money; PAYOUT: pays it; REFUND: gives a charge back';
comment on column report.payment_attempt.attempt_number is '1, 2, ... of this transaction and kind';
comment on column report.payment_attempt.amount is 'NOK, above 0';
comment on column report.payment_attempt.currency is 'Currency of the amount';
comment on column report.payment_attempt.gateway is 'The gateway it goes through';
comment on column report.payment_attempt.state is 'PREPARED, SUBMITTED, ... (marketplace.attempt_step): how far it has come';
comment on column report.payment_attempt.gateway_id is 'What the gateway calls it; null: it has not said';
comment on column report.payment_attempt.error_code is 'The gateway''s code for what went wrong; null: nothing did';
comment on column report.payment_attempt.decline_code is 'The gateway''s code for why it was declined; null: it was not';
comment on column report.payment_attempt.message is 'The gateway''s own words, or a person''s reason; null: none';
comment on column report.payment_attempt.alarm is 'Why a person must look before this transaction is tried again; null: no reason';
comment on column report.payment_attempt.refunded is 'NOK of a CHARGE that were, or are to be, given back';
comment on column report.payment_attempt.purse is 'The purse that it brings money into, or takes it from (report.marketplace_purse)';
comment on column report.payment_attempt.disputed is 'NOK of a CHARGE that the gateway took back, and may be won again';
comment on column report.payment_attempt.lost is 'NOK of a CHARGE that the gateway took back for good';
comment on column report.payment_attempt.credited is 'NOK of a CHARGE that corrections of its clicks have credited to the profile''s account';
comment on column report.payment_attempt.left_amount is 'NOK of a CHARGE that may still be given back; null: nothing was charged';
comment on column report.payment_attempt.returned_at is 'When a PAYOUT or REFUND that had succeeded came back; null: it did not';
comment on column report.payment_attempt.sent is 'How many times it was sent';
comment on column report.payment_attempt.prepared_at is 'When it was prepared';
comment on column report.payment_attempt.submitted_at is 'When it was first sent; null: not yet';
comment on column report.payment_attempt.resolved_at is 'When it ended; null: it has not';
comment on column report.payment_attempt.next_retry_at is 'When it is sent or asked about again, or, after a soft decline, when the next attempt may be made; null: at once, or never';
comment on column report.payment_attempt.job_run is 'The run that last sent it (report.job_run); null: none';
comment on column report.payment_attempt.is_ours is 'Whether it was declined since our own balance at the gateway did not suffice: ours to mend';
