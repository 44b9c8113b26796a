create or replace view report.unprinted_receipt as
select
    billig.local_time(p.payment_time)::date as sale_date,
    o.organisation_name,
    p.payment,
    p.payment_time,
    r.receipt_kind,
    r.receipt_number,
    r.transaction_number,
    p.cash_point,
    c.cash_point_name,
    p.seller,
    p.till_session,
    p.purchase,
    (
        select sum(l.amount + l.fee_amount)
        from billig.transaction_log as l
        where l.payment = r.payment and l.organisation = r.organisation
    )::numeric(14, 2) as amount
from billig.receipt as r
inner join billig.payment as p on r.payment = p.payment
inner join billig.organisation as o on r.organisation = o.organisation
left join billig.cash_point as c on p.cash_point = c.cash_point
where not exists (select from billig.receipt_print as n where n.payment = r.payment);

comment on view report.unprinted_receipt is
'Receipts that were never printed, one row each: at a cash point every sale and return has to have its receipt printed or sent. Those of no cash point are confirmations of the web, and what went over no till.';
comment on column report.unprinted_receipt.sale_date is 'Local date of the payment';
comment on column report.unprinted_receipt.organisation_name is 'Who sells';
comment on column report.unprinted_receipt.payment is 'The payment; billig.receipt prints it';
comment on column report.unprinted_receipt.payment_time is 'When the money moved, by the server''s clock';
comment on column report.unprinted_receipt.receipt_kind is 'SALE, RETURN or BOTH';
comment on column report.unprinted_receipt.receipt_number is 'Its number among those of its kind; null: not numbered yet, which is at no cash point';
comment on column report.unprinted_receipt.transaction_number is 'Its number among all of the cash point, or else of the organisation; null: not numbered yet';
comment on column report.unprinted_receipt.cash_point is 'The cash point; null: none, as on the web';
comment on column report.unprinted_receipt.cash_point_name is 'Its name, as it is now; null: none';
comment on column report.unprinted_receipt.seller is 'Who took or gave the money; null: the web';
comment on column report.unprinted_receipt.till_session is 'The till session it lies in; null: none';
comment on column report.unprinted_receipt.purchase is 'The purchase; null: one refund or exchange covers several';
comment on column report.unprinted_receipt.amount is 'NOK of the organisation''s tickets in it, positive in, negative out';
