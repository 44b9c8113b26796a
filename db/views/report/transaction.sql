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
    coalesce(n.event_name, e.event_name) as event_name,
    coalesce(n.ticket_group_name, g.ticket_group_name) as ticket_group_name,
    coalesce(n.price_group_name, pg.price_group_name) as price_group_name,
    l.price::numeric(14, 2) as price,
    l.amount::numeric(14, 2) as amount,
    l.vat_code,
    l.vat_rate,
    l.vat_amount::numeric(14, 2) as vat_amount,
    l.fee_amount::numeric(14, 2) as fee_amount,
    l.fee_vat_code,
    l.fee_vat_rate,
    l.fee_vat_amount::numeric(14, 2) as fee_vat_amount,
    (l.amount + l.fee_amount)::numeric(14, 2) as total_amount,
    l.override_used,
    l.posting_date,
    coalesce(
        billig.channel_of(l.transaction_type),
        (select t.sale_channel from billig.ticket as t where t.ticket = l.ticket)
    ) as sale_channel,
    e.event_time,
    e.event_location,
    l.ticket_group,
    l.price_group,
    (select h.cash_point_name from billig.cash_point as h where h.cash_point = l.cash_point) as cash_point_name,
    (select v.vat_code_name from books.vat_code as v where v.vat_code = l.vat_code) as vat_code_name,
    (select v.vat_code_name from books.vat_code as v where v.vat_code = l.fee_vat_code) as fee_vat_code_name,
    billig.history_position(l.era, l.xact_id) as history_position
-- left joins: each row has its match, and the planner, which knows nothing of a union's columns, loses none of them
from billig.posted_log as l
left join billig.transaction_type as y on l.transaction_type = y.transaction_type
left join billig.event as e on l.event = e.event
left join billig.organisation as o on l.organisation = o.organisation
left join billig.ticket_group_base as g on l.ticket_group = g.ticket_group
left join billig.price_group as pg on l.price_group = pg.price_group
left join billig.sold_name as n on l.sold_name = n.sold_name
left join billig.project as p on l.project = p.project;

comment on view report.transaction is
'The transaction log with names instead of numbers: one row for each activity on a ticket (T1). A report over a period asks by posting_date: then a closed period stays as it is. By sale_date it is as fast, and tells what happened that day. Amounts in NOK including VAT, positive in, negative out; total_amount is what moved, the ticket''s part and the fee.';
comment on column report.transaction.transaction_log is 'Number of the row in the log; the order of numbers is not the order of commits';
comment on column report.transaction.transaction_time is 'When it happened, by the server''s clock';
comment on column report.transaction.sale_date is 'Local date of the activity';
comment on column report.transaction.event_date is 'Local date of the event, as in the programme: what the stage asks by';
comment on column report.transaction.organisation_name is 'Organisation whose money it is, as sold';
comment on column report.transaction.transaction_type is 'Name of its type in billig.transaction_type';
comment on column report.transaction.kind is 'SALE, REFUND, CHANGE, RESERVATION or NONE: kind of the type (billig.transaction_type). A RESERVATION is a cart on the web or a reservation: sale_channel tells which';
comment on column report.transaction.ticket is 'The ticket';
comment on column report.transaction.purchase is 'The purchase';
comment on column report.transaction.payment is 'The payment (billig.receipt prints its receipts); null: no money moved';
comment on column report.transaction.exchange is 'The exchange it is part of; null: none';
comment on column report.transaction.related_ticket is 'In an exchange, the ticket on the other side; of a ticket sold for money that came too late, the lost one; else null';
comment on column report.transaction.seller is 'Who did it: seller, refunder or the role at work; null: the web';
comment on column report.transaction.login_role is 'Role that was logged in';
comment on column report.transaction.cash_point is 'The cash point; null: on the web, or at no till';
comment on column report.transaction.project is 'UKE project, as sold; null: none';
comment on column report.transaction.project_name is 'Its name, as it is now; null: no project';
comment on column report.transaction.event is 'The event';
comment on column report.transaction.event_name is 'The event''s name, as sold';
comment on column report.transaction.ticket_group_name is 'Ticket group, as it was called when sold';
comment on column report.transaction.price_group_name is 'Price group, as it was called when sold';
comment on column report.transaction.price is 'NOK including VAT and fee: what the ticket costs after the change';
comment on column report.transaction.amount is 'NOK including VAT for the ticket''s part (price less fee), positive in, negative out';
comment on column report.transaction.vat_code is 'Norwegian standard VAT code of the price, as sold';
comment on column report.transaction.vat_rate is 'VAT rate of the price, percent';
comment on column report.transaction.vat_amount is 'NOK of VAT in amount, signed as it';
comment on column report.transaction.fee_amount is 'NOK including VAT for the fee, positive in, negative out';
comment on column report.transaction.fee_vat_code is 'Norwegian standard VAT code of the fee, as sold; null: no fee';
comment on column report.transaction.fee_vat_rate is 'VAT rate of the fee, percent; null: no fee';
comment on column report.transaction.fee_vat_amount is 'NOK of VAT in fee_amount, signed as it';
comment on column report.transaction.total_amount is 'NOK including VAT that moved: amount + fee_amount';
comment on column report.transaction.override_used is 'Whether a used ticket was taken back, knowingly';
comment on column report.transaction.posting_date is 'The day it counts on: what accounting asks by. sale_date, or later where it came too late for a closed period (report.late_transaction)';
comment on column report.transaction.sale_channel is 'Channel that the ticket was sold on: STAND, NET (web) or RESERVATION, whatever the row is. Of kind RESERVATION, NET is a cart on the web, not yet paid';
comment on column report.transaction.event_time is 'When the event starts, local time, as in the programme now: it tells two shows of a day apart; null: not known';
comment on column report.transaction.event_location is 'Where the event is, as in the programme now; null: not said';
comment on column report.transaction.ticket_group is 'The ticket group: two events may have groups of one name';
comment on column report.transaction.price_group is 'The price group';
comment on column report.transaction.cash_point_name is 'Name of the cash point, as it is now; null: no cash point';
comment on column report.transaction.vat_code_name is 'Norwegian name of the VAT code, as published';
comment on column report.transaction.fee_vat_code_name is 'Norwegian name of the fee''s VAT code, as published';
comment on column report.transaction.history_position is 'Place in the history of commits, which only grows: rows below final_before of report.watermark are all there. What increments are read by';
