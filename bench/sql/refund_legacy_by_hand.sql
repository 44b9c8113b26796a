-- The payments and lines that the triggers make for it (one a purchase), then the tickets, each written once.
begin;
create temporary table refund on commit drop as
select nextval('billig.payment_payment_seq') as payment, purchase, sum(price + fee) as amount
from billig.ticket
where purchase >= %(start)s and purchase < %(stop)s
group by purchase;
insert into billig.payment (payment, kind, purchase, seller, cash_point, till_session, made_by)
select payment, 'REFUND', purchase, 'bench_seller', 1, 1, 'TRIGGER'
from refund;
insert into billig.payment_line (payment, payment_method, amount)
select payment, 1, -amount
from refund;
update billig.ticket as t
set refunded = localtimestamp, refunder = 'bench_seller', point_of_refund = 1, payment = r.payment
from refund as r
where t.purchase = r.purchase and t.purchase >= %(start)s and t.purchase < %(stop)s;
insert into billig.transaction_log (
    transaction_time, transaction_date, ticket, purchase, payment,
    xact_id, era, login_role, transaction_type, seller, cash_point, first_of_payment,
    price_group, ticket_group, event, organisation, project,
    price, amount, vat_code, vat_rate, vat_amount, fee_amount, fee_vat_code, fee_vat_rate, fee_vat_amount
)
select
    now(), current_date, ticket, purchase, payment,
    pg_current_xact_id(), 1, session_user, 2, refunder, point_of_refund, false,
    price_group, ticket_group, event, organisation, project,
    price, -price, vat_code, vat_rate, -round(price * vat_rate / (100 + vat_rate), 2),
    -fee, fee_vat_code, fee_vat_rate, -round(fee * fee_vat_rate / (100 + fee_vat_rate), 2)
from billig.ticket
where purchase >= %(start)s and purchase < %(stop)s;
update billig.ticket_group_slot as s
set remaining = s.remaining + d.tickets
from (
    select ticket_group, count(*)::int as tickets
    from billig.ticket
    where purchase >= %(start)s and purchase < %(stop)s
    group by ticket_group
) as d
where s.ticket_group = d.ticket_group and s.slot = 1;
commit;
