-- The seller itself writes by hand: the rows then are the very same (login_role), and rights are checked on both sides,
-- which PostgreSQL skips for a superuser. In the baseline's database alone.
grant usage on schema billig to bench_seller;
grant select, insert, update
on billig.purchase, billig.purchase_key, billig.payment, billig.payment_line, billig.ticket, billig.transaction_log, billig.ticket_group_slot,
billig.receipt_series, billig.receipt
to bench_seller;
