begin;
with payment as (
    insert into billig.payment (kind, seller, cash_point, till_session, made_by)
    values ('REFUND', 'bench_seller', 1, 1, 'FUNCTION')
    returning payment
)

insert into billig.payment_line (payment, payment_method, line, amount, organisation, gives_back, gives_back_method)
select p.payment, 2, row_number() over (order by t.payment), -sum(t.price), 2, t.payment, 2
from payment as p
cross join billig.ticket as t
where t.purchase >= %(start)s and t.purchase < %(stop)s
group by p.payment, t.payment;
insert into billig.given_back (payment, payment_method, took, cash_took, amount)
select gives_back, 2, -amount, 0, -amount
from billig.payment_line
where payment = currval('billig.payment_payment_seq');
update billig.ticket
set
    refunded = localtimestamp, refunder = 'bench_seller', point_of_refund = 1,
    payment = currval('billig.payment_payment_seq')
where purchase >= %(start)s and purchase < %(stop)s;
insert into billig.transaction_log (
    transaction_time, transaction_date, ticket, purchase, payment,
    xact_id, era, login_role, transaction_type, seller, cash_point, first_of_payment,
    price_group, ticket_group, event, organisation, project, sold_name,
    price, fee, amount, vat_code, vat_rate, vat_amount, fee_amount, fee_vat_code, fee_vat_rate, fee_vat_amount
)
select
    now(), current_date, ticket, purchase, payment,
    pg_current_xact_id(), 1, session_user, 2, refunder, point_of_refund, false,
    price_group, ticket_group, event, organisation, project, sold_name,
    price, fee, fee - price, vat_code, vat_rate, -round((price - fee) * vat_rate / (100 + vat_rate), 2),
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
with series as (
    update billig.receipt_series
    set last_transaction = last_transaction + 1, last_return = last_return + 1
    where cash_point = 1
    returning receipt_series, last_transaction, last_return
)

insert into billig.receipt (payment, organisation, receipt_kind, receipt_series, transaction_number, receipt_number)
select currval('billig.payment_payment_seq'), 2, 'RETURN', receipt_series, last_transaction, last_return
from series;
commit;
