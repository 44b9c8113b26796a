create or replace view report.seller_activity as
select
    o.organisation_name,
    s.sale_date,
    s.event_date,
    s.seller,
    s.cash_point,
    y.transaction_type_name as transaction_type,
    s.tickets,
    s.gross_amount::numeric(14, 2) as gross_amount,
    s.fee_amount::numeric(14, 2) as fee_amount,
    s.vat_amount::numeric(14, 2) as vat_amount,
    s.first_time,
    s.last_time,
    s.posting_date,
    (select h.cash_point_name from billig.cash_point as h where h.cash_point = s.cash_point) as cash_point_name
from (
    select
        l.organisation,
        l.transaction_date as sale_date,
        l.posting_date,
        e.event_time::date as event_date,
        l.seller,
        l.cash_point,
        l.transaction_type,
        count(*) filter (where not l.is_second_row) as tickets,
        sum(l.amount + l.fee_amount) as gross_amount,
        sum(l.fee_amount) as fee_amount,
        sum(l.vat_amount + l.fee_vat_amount) as vat_amount,
        min(l.transaction_time) as first_time,
        max(l.transaction_time) as last_time
    from billig.posted_log as l
    left join billig.event as e on l.event = e.event
    group by
        l.organisation, l.transaction_date, l.posting_date, e.event_time::date, l.seller, l.cash_point,
        l.transaction_type
) as s
inner join billig.transaction_type as y on s.transaction_type = y.transaction_type
inner join billig.organisation as o on s.organisation = o.organisation;

comment on view report.seller_activity is
'What each seller did: a row for each organisation, sale date, posting date, event date, seller (null: the web), cash point and type. gross_amount: NOK including fee and VAT, positive in, negative out; fee_amount: the fees in it; vat_amount: all VAT in it. A report over a period asks by posting_date.';
comment on column report.seller_activity.organisation_name is 'Organisation whose money it is, as sold';
comment on column report.seller_activity.sale_date is 'Local date of the activity';
comment on column report.seller_activity.event_date is 'Local date of the event';
comment on column report.seller_activity.seller is 'Who did it; null: the web';
comment on column report.seller_activity.cash_point is 'The cash point; null: on the web, or at no till';
comment on column report.seller_activity.transaction_type is 'Name of its type in billig.transaction_type';
comment on column report.seller_activity.tickets is 'How often it happened to a ticket, however many rows the log has of it';
comment on column report.seller_activity.gross_amount is 'NOK including VAT and fees, positive in, negative out';
comment on column report.seller_activity.fee_amount is 'NOK of fees in gross_amount, VAT included, signed as it';
comment on column report.seller_activity.vat_amount is 'NOK of VAT in gross_amount, signed as it';
comment on column report.seller_activity.first_time is 'The first of them';
comment on column report.seller_activity.last_time is 'The last of them';
comment on column report.seller_activity.posting_date is 'The day it counts on: sale_date, or later where it came too late for a closed period';
comment on column report.seller_activity.cash_point_name is 'Name of the cash point, as it is now; null: no cash point';
