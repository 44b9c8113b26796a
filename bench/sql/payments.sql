-- The payments and tickets that the rows of log.sql speak of: the settlement looks them up. The web pays by card on the
-- web, stands in cash and by card in turn.
alter table billig.payment disable trigger all;
alter table billig.payment_line disable trigger all;
alter table billig.ticket disable trigger all;
alter table billig.receipt_print disable trigger all;

insert into billig.payment (payment, kind, payment_time, seller, cash_point, made_by)
select
    l.payment, 'SALE', min(l.transaction_time), min(l.seller), min(l.cash_point),
    case when min(l.seller) is null then 'WEB' else 'FUNCTION' end
from billig.transaction_log as l
where l.payment is not null
group by l.payment
order by l.payment;

insert into billig.payment_line (payment, payment_method, amount, organisation)
select l.payment, case when min(l.seller) is null then 7 else 1 + l.payment % 2 end, sum(l.amount + l.fee_amount), 2
from billig.transaction_log as l
where l.payment is not null
group by l.payment
having sum(l.amount + l.fee_amount) <> 0
order by l.payment;

insert into billig.ticket (
    ticket, price_group, purchase, paid, sale_channel, seller, cash_point, payment, ticket_group, event, organisation,
    project, vat_code, fee_vat_code, price, fee, vat_rate, fee_vat_rate
)
select distinct on (l.ticket)
    l.ticket, l.price_group, l.purchase, billig.local_time(l.transaction_time),
    case when l.seller is null then 'NET' else 'STAND' end, l.seller, l.cash_point, l.payment, l.ticket_group, l.event,
    l.organisation, l.project, l.vat_code, l.fee_vat_code, l.price, l.fee, l.vat_rate, l.fee_vat_rate
from billig.transaction_log as l
order by l.ticket, l.transaction_log;
