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
    l.posting_date
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
