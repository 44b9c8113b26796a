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
from billig.transaction_log as l
where not exists (select from billig.late_rows() as t where t.transaction_log = l.transaction_log)
union all
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
    t.posting_date,
    true
from billig.late_rows() as t
inner join billig.transaction_log as l on t.transaction_log = l.transaction_log;

comment on view billig.posted_log is
'The transaction log with the day each row counts on. posting_date: transaction_date, save for a row that is dated in a closed period and that its close did not see, because its transaction was still open: it counts on the first day of the first later period that is open, or whose own close sees it (is_late). So the rows of a closed period never change. Ask by posting_date: that is as fast as by transaction_date.';
comment on column billig.posted_log.posting_date is 'The day it counts on, in a report over a period';
comment on column billig.posted_log.is_late is 'It came too late for the period that it is dated in';
