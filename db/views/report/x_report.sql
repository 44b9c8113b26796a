create or replace view report.x_report as
select
    r.cash_point,
    c.cash_point_name,
    r.place,
    i.element,
    r.item,
    r.item_key,
    r.seller,
    r.number,
    r.amount::numeric(14, 2) as amount,
    r.vat_rate::numeric(5, 2) as vat_rate,
    r.vat_amount::numeric(14, 2) as vat_amount
from billig.till_report as r
inner join billig.cash_point as c on r.cash_point = c.cash_point
inner join billig.till_report_item as i on r.item = i.item
where r.z_number = 0;

comment on view report.x_report is
'X reports, live (kassasystemforskrifta § 2-8-2): every item since the cash point''s last Z report, of the whole cash point (seller null) and by operator. Ask by cash_point. NOK.';
comment on column report.x_report.cash_point is 'The cash point';
comment on column report.x_report.cash_point_name is 'Its name, as it is now';
comment on column report.x_report.place is 'Order of the items';
comment on column report.x_report.element is 'Element of eventReport in SAF-T Cash Register 1.00';
comment on column report.x_report.item is 'Item of the report (billig.till_report_item)';
comment on column report.x_report.item_key is 'What the item is split by: article group, means of payment, VAT code and rate; else empty';
comment on column report.x_report.seller is 'The operator; null: the whole cash point';
comment on column report.x_report.number is 'How many; what of, says billig.till_report_item';
comment on column report.x_report.amount is 'NOK; its sign, says billig.till_report_item';
comment on column report.x_report.vat_rate is 'Of item VAT, per cent';
comment on column report.x_report.vat_amount is 'Of item VAT: the VAT, NOK; amount is without it';
