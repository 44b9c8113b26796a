-- The payments and lines that the triggers make for it (one a purchase), then the tickets, each written once.
begin;
create temporary table refund on commit drop as
select nextval('billig.payment_payment_seq') as payment, purchase, payment as gives_back, sum(price) as amount
from billig.ticket
where purchase >= %(start)s and purchase < %(stop)s
group by purchase, gives_back;
insert into billig.payment (payment, kind, purchase, seller, cash_point, till_session, made_by)
select payment, 'REFUND', purchase, 'bench_seller', 1, 1, 'TRIGGER'
from refund;
insert into billig.payment_line (payment, payment_method, line, amount, organisation, gives_back, gives_back_method)
select payment, 1, 2, -amount, 2, gives_back, 2 -- what comes in is a legacy payment's first line
from refund;
insert into billig.given_back (payment, payment_method, took, cash_took, amount)
select gives_back, 2, amount, 0, amount
from refund;
update billig.ticket
set refunded = localtimestamp, refunder = 'bench_seller', point_of_refund = 1
where purchase >= %(start)s and purchase < %(stop)s;
insert into billig.transaction_log (
    transaction_time, transaction_date, ticket, purchase, payment,
    xact_id, era, login_role, transaction_type, seller, cash_point, first_of_payment,
    price_group, ticket_group, event, organisation, project, sold_name,
    price, fee, amount, vat_code, vat_rate, vat_amount, fee_amount, fee_vat_code, fee_vat_rate, fee_vat_amount
)
select
    now(), current_date, t.ticket, t.purchase, r.payment,
    pg_current_xact_id(), 1, session_user, 2, t.refunder, t.point_of_refund, false,
    t.price_group, t.ticket_group, t.event, t.organisation, t.project, t.sold_name,
    t.price, t.fee, t.fee - t.price, t.vat_code, t.vat_rate, -round((t.price - t.fee) * t.vat_rate / (100 + t.vat_rate), 2),
    -t.fee, t.fee_vat_code, t.fee_vat_rate, -round(t.fee * t.fee_vat_rate / (100 + t.fee_vat_rate), 2)
from billig.ticket as t
inner join refund as r on t.purchase = r.purchase
where t.purchase >= %(start)s and t.purchase < %(stop)s;
update billig.ticket_group_slot as s
set remaining = s.remaining + d.tickets
from (
    select ticket_group, count(*)::int as tickets
    from billig.ticket
    where purchase >= %(start)s and purchase < %(stop)s
    group by ticket_group
) as d
where s.ticket_group = d.ticket_group and s.slot = 1;
insert into billig.receipt (payment, organisation, receipt_kind, receipt_series, transaction_number, receipt_number)
select
    r.payment, 2, 'RETURN', s.receipt_series,
    s.last_transaction + row_number() over (order by r.payment), s.last_return + row_number() over (order by r.payment)
from refund as r
inner join billig.receipt_series as s on s.cash_point = 1;
update billig.receipt_series as s
set last_transaction = s.last_transaction + r.payments, last_return = s.last_return + r.payments
from (select count(*)::int as payments from refund) as r
where s.cash_point = 1;
commit;
