-- The very rows that create_purchase writes, by a client that knows what a ticket costs and trusts itself:
-- one statement a table, in one transaction.
\set group random(1, :groups)
\set slot random(1, 32)
\set price 110 + :group
\set total 4 * :price
begin;
insert into billig.purchase (seller) values ('bench_seller') returning purchase as purchase \gset
insert into billig.purchase_key (purchase) values (:purchase);
insert into billig.payment (kind, purchase, seller, cash_point, till_session, made_by)
values ('SALE', :purchase, 'bench_seller', 1, 1, 'FUNCTION')
returning payment as payment \gset
insert into billig.payment_line (payment, payment_method, amount, organisation) values (:payment, 2, :total, 2);
insert into billig.ticket (
    price_group, purchase, paid, sale_channel, seller, cash_point, payment,
    ticket_group, event, organisation, project, sold_name, vat_code, fee_vat_code, price, fee, vat_rate, fee_vat_rate
)
select
    :group::int, :purchase::bigint, localtimestamp, 'STAND', 'bench_seller', 1, :payment::bigint,
    :group::int, :group::int, 2, 101 + :group::int % 9, :group::int, case when :group::int % 9 = 8 then 3 else 6 end, 3,
    :price::numeric, 10, case when :group::int % 9 = 8 then 25 else 0 end, 25
from generate_series(1, 4)
returning purchase, payment, ticket, price_group, price, fee;
insert into billig.transaction_log (
    transaction_time, transaction_date, ticket, purchase, payment,
    xact_id, era, login_role, transaction_type, seller, cash_point, first_of_payment,
    price_group, ticket_group, event, organisation, project, sold_name,
    price, fee, amount, vat_code, vat_rate, vat_amount, fee_amount, fee_vat_code, fee_vat_rate, fee_vat_amount
)
select
    now(), current_date, ticket, purchase, payment,
    pg_current_xact_id(), 1, session_user, 1, seller, cash_point, false,
    price_group, ticket_group, event, organisation, project, sold_name,
    price, fee, price - fee, vat_code, vat_rate, round((price - fee) * vat_rate / (100 + vat_rate), 2),
    fee, fee_vat_code, fee_vat_rate, round(fee * fee_vat_rate / (100 + fee_vat_rate), 2)
from billig.ticket
where purchase = :purchase;
update billig.ticket_group_slot set remaining = remaining - 4 where ticket_group = :group and slot = :slot;
update billig.receipt_series set last_transaction = last_transaction + 1, last_sale = last_sale + 1 where cash_point = 1
returning receipt_series as series, last_transaction as transaction, last_sale as number \gset
insert into billig.receipt (payment, organisation, receipt_kind, receipt_series, transaction_number, receipt_number)
values (:payment, 2, 'SALE', :series, :transaction, :number);
commit;
