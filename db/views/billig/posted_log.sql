-- A stand-in until periods are closed: every row is posted on its own day.
create or replace view billig.posted_log as
select
    l.transaction_log,
    l.transaction_time,
    l.ticket,
    l.purchase,
    l.payment,
    l.exchange,
    l.related_ticket,
    l.xact_id,
    l.transaction_date,
    l.price_group,
    l.ticket_group,
    l.event,
    l.organisation,
    l.project,
    l.cash_point,
    l.era,
    l.transaction_type,
    l.vat_code,
    l.fee_vat_code,
    l.override_used,
    l.first_of_payment,
    l.seller,
    l.login_role,
    l.price,
    l.amount,
    l.fee_amount,
    l.vat_rate,
    l.vat_amount,
    l.fee_vat_rate,
    l.fee_vat_amount,
    l.transaction_date as posting_date,
    false as is_late
from billig.transaction_log as l;

comment on view billig.posted_log is
'The log, with the day each row is posted on: posting_date is transaction_date; is_late, whether that differs.';
