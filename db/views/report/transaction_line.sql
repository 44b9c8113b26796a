create or replace view report.transaction_line as
select
    l.transaction_log,
    l.transaction_time,
    l.transaction_date as sale_date,
    e.event_time::date as event_date,
    o.organisation_name,
    y.transaction_type_name as transaction_type,
    l.ticket,
    l.purchase,
    l.payment,
    l.seller,
    l.cash_point,
    l.project,
    l.event,
    coalesce(n.event_name, e.event_name) as event_name,
    c.component,
    c.vat_code,
    c.vat_rate::numeric(5, 2) as vat_rate,
    c.gross_amount::numeric(14, 2) as gross_amount,
    (c.gross_amount - c.vat_amount)::numeric(14, 2) as net_amount,
    c.vat_amount::numeric(14, 2) as vat_amount,
    l.posting_date,
    y.kind,
    coalesce(
        billig.channel_of(l.transaction_type),
        (select t.sale_channel from billig.ticket as t where t.ticket = l.ticket)
    ) as sale_channel,
    l.exchange,
    e.event_time,
    e.event_location,
    (select p.project_name from billig.project as p where p.project = l.project) as project_name,
    l.ticket_group,
    coalesce(
        n.ticket_group_name,
        (select g.ticket_group_name from billig.ticket_group_base as g where g.ticket_group = l.ticket_group)
    ) as ticket_group_name,
    l.price_group,
    coalesce(
        n.price_group_name,
        (select g.price_group_name from billig.price_group as g where g.price_group = l.price_group)
    ) as price_group_name,
    (select h.cash_point_name from billig.cash_point as h where h.cash_point = l.cash_point) as cash_point_name,
    (select v.vat_code_name from books.vat_code as v where v.vat_code = c.vat_code) as vat_code_name,
    billig.history_position(l.era, l.xact_id) as history_position
from billig.posted_log as l
inner join billig.transaction_type as y on l.transaction_type = y.transaction_type
left join billig.event as e on l.event = e.event
left join billig.organisation as o on l.organisation = o.organisation
left join billig.sold_name as n on l.sold_name = n.sold_name
cross join lateral billig.components(
    l.vat_code, l.vat_rate, l.amount, l.vat_amount,
    l.fee_vat_code, l.fee_vat_rate, l.fee_amount, l.fee_vat_amount
) as c
where y.money <> 'ZERO' and (c.component = 'TICKET' or c.gross_amount <> 0);

comment on view report.transaction_line is
'One row for each component of a log row that moves money: TICKET (the price less the fee; free ones too), and FEE where there is one. VAT is of each component: together they may be an øre off the VAT of the whole price. NOK, positive in, negative out; gross_amount = net_amount + vat_amount. A report over a period asks by posting_date.';
comment on column report.transaction_line.transaction_log is 'Number of the row in the log; the order of numbers is not the order of commits';
comment on column report.transaction_line.transaction_time is 'When it happened, by the server''s clock';
comment on column report.transaction_line.sale_date is 'Local date of the activity';
comment on column report.transaction_line.event_date is 'Local date of the event';
comment on column report.transaction_line.organisation_name is 'Organisation whose money it is, as sold';
comment on column report.transaction_line.transaction_type is 'Name of its type in billig.transaction_type';
comment on column report.transaction_line.ticket is 'The ticket';
comment on column report.transaction_line.purchase is 'The purchase';
comment on column report.transaction_line.payment is 'The payment; null: no money moved';
comment on column report.transaction_line.seller is 'Who did it; null: the web';
comment on column report.transaction_line.cash_point is 'The cash point; null: on the web, or at no till';
comment on column report.transaction_line.project is 'UKE project, as sold; null: none';
comment on column report.transaction_line.event is 'The event';
comment on column report.transaction_line.event_name is 'The event''s name, as sold';
comment on column report.transaction_line.component is 'TICKET or FEE';
comment on column report.transaction_line.vat_code is 'Norwegian standard VAT code of the component, as sold';
comment on column report.transaction_line.vat_rate is 'VAT rate of the component, percent';
comment on column report.transaction_line.gross_amount is 'NOK including VAT, positive in, negative out';
comment on column report.transaction_line.net_amount is 'NOK without VAT: gross_amount less vat_amount, signed as it';
comment on column report.transaction_line.vat_amount is 'NOK of VAT in gross_amount, signed as it';
comment on column report.transaction_line.posting_date is 'The day it counts on: sale_date, or later where it came too late for a closed period';
comment on column report.transaction_line.kind is 'SALE, REFUND or CHANGE: kind of the type (billig.transaction_type)';
comment on column report.transaction_line.sale_channel is 'Channel that the ticket was sold on: STAND, NET (web) or RESERVATION, whatever the row is. Of kind RESERVATION, NET is a cart on the web, not yet paid';
comment on column report.transaction_line.exchange is 'The exchange it is part of: a refund or a sale that is one of its sides; null: none';
comment on column report.transaction_line.event_time is 'When the event starts, local time, as in the programme now: it tells two shows of a day apart; null: not known';
comment on column report.transaction_line.event_location is 'Where the event is, as in the programme now; null: not said';
comment on column report.transaction_line.project_name is 'Its name, as it is now; null: no project';
comment on column report.transaction_line.ticket_group is 'The ticket group: two events may have groups of one name';
comment on column report.transaction_line.ticket_group_name is 'Ticket group, as it was called when sold';
comment on column report.transaction_line.price_group is 'The price group';
comment on column report.transaction_line.price_group_name is 'Price group, as it was called when sold';
comment on column report.transaction_line.cash_point_name is 'Name of the cash point, as it is now; null: no cash point';
comment on column report.transaction_line.vat_code_name is 'Norwegian name of the VAT code, as published';
comment on column report.transaction_line.history_position is 'Place in the history of commits, which only grows: rows below final_before of report.watermark are all there. What increments are read by';
