-- Stand sales of four tickets, %(purchases)s of them, as create_purchase would have left them. Triggers are off.
create temporary table sale on commit preserve rows as
select
    nextval('billig.purchase_purchase_seq') as purchase,
    nextval('billig.payment_payment_seq') as payment,
    1 + i %% 64 as ticket_group
from generate_series(1, %(purchases)s::int) as i;
analyze sale;

insert into billig.purchase (purchase, seller)
select purchase, 'bench_seller'
from sale
order by purchase;

insert into billig.payment (payment, kind, purchase, seller, cash_point, till_session, made_by)
select payment, 'SALE', purchase, 'bench_seller', 1, 1, 'FUNCTION'
from sale
order by payment;

insert into billig.payment_line (payment, payment_method, amount, organisation)
select payment, 2, 4 * (110 + ticket_group), 2
from sale
order by payment;

create temporary table sold on commit preserve rows as
select nextval('billig.ticket_ticket_seq') as ticket, s.purchase, s.payment, o.*
from sale as s
inner join billig.offer as o on s.ticket_group = o.price_group
cross join generate_series(1, 4)
order by s.purchase;
analyze sold;

insert into billig.ticket (
    ticket, price_group, purchase, paid, sale_channel, seller, cash_point, payment,
    ticket_group, event, organisation, project, vat_code, fee_vat_code, price, fee, vat_rate, fee_vat_rate
)
select
    ticket, price_group, purchase, localtimestamp, 'STAND', 'bench_seller', 1, payment,
    ticket_group, event, organisation, project, vat_code, fee_vat_code, price, fee, vat_rate, fee_vat_rate
from sold
order by ticket;

insert into billig.transaction_log (
    transaction_time, transaction_date, ticket, purchase, payment,
    xact_id, era, login_role, transaction_type, seller, cash_point, first_of_payment,
    price_group, ticket_group, event, organisation, project,
    price, fee, amount, vat_code, vat_rate, vat_amount, fee_amount, fee_vat_code, fee_vat_rate, fee_vat_amount
)
select
    now(), current_date, ticket, purchase, payment,
    pg_current_xact_id(), 1, 'bench_seller', 1, 'bench_seller', 1, false,
    price_group, ticket_group, event, organisation, project,
    price, fee, price - fee, vat_code, vat_rate, books.vat_of(price - fee, vat_rate),
    fee, fee_vat_code, fee_vat_rate, books.vat_of(fee, fee_vat_rate)
from sold
order by ticket;

update billig.ticket_group_slot as s
set remaining = s.remaining - d.tickets
from (
    select ticket_group, (count(*) / 32)::int as tickets
    from sold
    group by ticket_group
) as d
where s.ticket_group = d.ticket_group;

insert into billig.receipt_series (cash_point) values (1) on conflict do nothing;
insert into billig.receipt (payment, organisation, receipt_kind, receipt_series, transaction_number, receipt_number)
select
    s.payment, 2, 'SALE', r.receipt_series,
    r.last_transaction + row_number() over (order by s.payment), r.last_sale + row_number() over (order by s.payment)
from sale as s
inner join billig.receipt_series as r on r.cash_point = 1
order by s.payment;
update billig.receipt_series
set last_transaction = last_transaction + %(purchases)s::int, last_sale = last_sale + %(purchases)s::int
where cash_point = 1;

drop table sold;
drop table sale;
