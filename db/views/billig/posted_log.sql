create or replace view billig.posted_log as
select
    transaction_log,
    transaction_time,
    ticket,
    purchase,
    payment,
    exchange,
    related_ticket,
    xact_id,
    transaction_date,
    price_group,
    ticket_group,
    event,
    organisation,
    project,
    cash_point,
    era,
    transaction_type,
    vat_code,
    fee_vat_code,
    override_used,
    first_of_payment,
    seller,
    login_role,
    price,
    amount,
    fee_amount,
    vat_rate,
    vat_amount,
    fee_vat_rate,
    fee_vat_amount,
    transaction_date as posting_date,
    false as is_late
from billig.transaction_log;

comment on view billig.posted_log is
'Stub of the view that comes with the closing of periods: posting_date is transaction_date.';
