create or replace view report.late_transaction as
select
    l.transaction_log,
    l.transaction_time,
    l.transaction_date as sale_date,
    t.posting_date,
    o.organisation_name,
    c.first_day as closed_first_day,
    c.last_day as closed_last_day,
    c.closed_at,
    p.first_day as posted_first_day,
    p.last_day as posted_last_day,
    l.xact_id,
    l.era,
    l.login_role,
    l.seller,
    y.transaction_type_name as transaction_type,
    l.ticket,
    l.purchase,
    l.payment,
    (l.amount + l.fee_amount)::numeric(14, 2) as total_amount,
    (l.vat_amount + l.fee_vat_amount)::numeric(14, 2) as total_vat_amount
from billig.late_rows() as t
inner join billig.transaction_log as l on t.transaction_log = l.transaction_log
inner join billig.transaction_type as y on l.transaction_type = y.transaction_type
inner join billig.organisation as o on l.organisation = o.organisation
left join books.accounting_period as c
    on t.organisation = c.organisation and t.transaction_date between c.first_day and c.last_day
left join books.accounting_period as p
    on t.organisation = p.organisation and t.posting_date between p.first_day and p.last_day;

comment on view report.late_transaction is
'What came too late: a row for each log row dated in a period whose close did not see it, since its transaction was still open. xact_id, era and login_role say which transaction it was. NOK, positive in, negative out.';
comment on column report.late_transaction.transaction_log is 'Number of the row in the log; the order of numbers is not the order of commits';
comment on column report.late_transaction.transaction_time is 'When it happened, by the server''s clock';
comment on column report.late_transaction.sale_date is 'Local date of the activity, in the closed period';
comment on column report.late_transaction.posting_date is 'The day it counts on instead';
comment on column report.late_transaction.organisation_name is 'Organisation whose money it is, as sold';
comment on column report.late_transaction.closed_first_day is 'First day of the period it is dated in';
comment on column report.late_transaction.closed_last_day is 'Last day of the period it is dated in';
comment on column report.late_transaction.closed_at is 'When that period was closed';
comment on column report.late_transaction.posted_first_day is 'First day of the closed period it counts in; null: that one is still open';
comment on column report.late_transaction.posted_last_day is 'Last day of the closed period it counts in; null: that one is still open';
comment on column report.late_transaction.xact_id is 'Number of its database transaction, within its era';
comment on column report.late_transaction.era is 'Which cluster xact_id is of (deploy.era)';
comment on column report.late_transaction.login_role is 'Role that was logged in';
comment on column report.late_transaction.seller is 'Who did it; null: the web';
comment on column report.late_transaction.transaction_type is 'Name of its type in billig.transaction_type';
comment on column report.late_transaction.ticket is 'The ticket';
comment on column report.late_transaction.purchase is 'The purchase';
comment on column report.late_transaction.payment is 'The payment; null: no money moved';
comment on column report.late_transaction.total_amount is 'NOK including VAT and fee, positive in, negative out';
comment on column report.late_transaction.total_vat_amount is 'NOK of VAT in total_amount, signed as it';
