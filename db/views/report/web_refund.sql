create or replace view report.web_refund as
select
    billig.local_time(p.payment_time)::date as refund_date,
    p.payment_time,
    p.payment,
    p.cash_point,
    c.cash_point_name,
    p.till_session,
    p.seller,
    p.purchase,
    l.gives_back,
    o.provider_reference,
    m.payment_method_name as payment_method,
    l.amount::numeric(14, 2) as amount,
    m.is_cash or m.is_rounding as is_cash,
    p.made_by = 'TRIGGER' as is_legacy,
    p.reason
from billig.payment as p
inner join billig.cash_point as c on p.cash_point = c.cash_point
inner join billig.payment_line as l on p.payment = l.payment
inner join billig.payment_method as m on l.payment_method = m.payment_method
inner join billig.payment as o
    on l.gives_back = o.payment and billig.is_web_payment(o.payment, o.seller, o.cash_point);

comment on view report.web_refund is
'What was given back at a cash point, or by a legacy write that named one (point_of_refund), of payments made on the web: a row for each line. It stands in no X or Z report as a return; what was handed out in cash is a pay-out of the drawer there, the rest its provider gives back. Ask by refund_date or cash_point.';
comment on column report.web_refund.refund_date is 'Local date of payment_time';
comment on column report.web_refund.payment_time is 'When it was given back, by the server''s clock';
comment on column report.web_refund.payment is 'The payment that gives it back';
comment on column report.web_refund.cash_point is 'The cash point that was named';
comment on column report.web_refund.cash_point_name is 'Its name, as it is now';
comment on column report.web_refund.till_session is 'The session it was done in; null: none was open';
comment on column report.web_refund.seller is 'Who did it; null: nobody was named';
comment on column report.web_refund.purchase is 'The purchase; null: an exchange or change of several';
comment on column report.web_refund.gives_back is 'The payment made on the web';
comment on column report.web_refund.provider_reference is 'Its reference at its provider; null: none was recorded';
comment on column report.web_refund.payment_method is 'How it goes back';
comment on column report.web_refund.amount is 'NOK, negative; of ROUNDING what the cash was rounded by';
comment on column report.web_refund.is_cash is 'True: it came out of a drawer; false: its provider, or a bank, gives it back';
comment on column report.web_refund.is_legacy is 'A legacy write gave it back, with this cash point as its point_of_refund';
comment on column report.web_refund.reason is 'Why; null: nothing was said';
