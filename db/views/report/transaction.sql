create or replace view report.transaction as
select
    l.transaction_log,
    l.transaction_time,
    l.transaction_date as sale_date,
    e.event_time::date as event_date,
    o.organisation_name,
    y.transaction_type_name as transaction_type,
    y.kind,
    l.ticket,
    l.purchase,
    l.payment,
    l.exchange,
    l.related_ticket,
    l.seller,
    l.login_role,
    l.cash_point,
    l.project,
    p.project_name,
    l.event,
    e.event_name,
    g.ticket_group_name,
    pg.price_group_name,
    l.price,
    l.amount,
    l.vat_code,
    l.vat_rate,
    l.vat_amount,
    l.fee_amount,
    l.fee_vat_code,
    l.fee_vat_rate,
    l.fee_vat_amount,
    l.amount + l.fee_amount as total_amount,
    l.override_used,
    l.posting_date
-- left joins: each row has its match, and the planner, which knows nothing of a union's columns, loses none of them
from billig.posted_log as l
left join billig.transaction_type as y on l.transaction_type = y.transaction_type
left join billig.event as e on l.event = e.event
left join billig.organisation as o on l.organisation = o.organisation
left join billig.ticket_group_base as g on l.ticket_group = g.ticket_group
left join billig.price_group as pg on l.price_group = pg.price_group
left join billig.project as p on l.project = p.project;

comment on view report.transaction is
'The transaction log with names instead of numbers: one row for each activity on a ticket (T1). A report over a period asks by posting_date: then a closed period stays as it is. By sale_date it is as fast, and tells what happened that day. Amounts in NOK including VAT, positive in, negative out; total_amount is price and fee.';
comment on column report.transaction.sale_date is 'Local date of the activity';
comment on column report.transaction.event_date is 'Local date of the event, as it stands in the programme: what the stage asks by';
comment on column report.transaction.posting_date is 'The day it counts on: what accounting asks by. sale_date, or later where it came too late for a closed period (report.late_transaction)';
