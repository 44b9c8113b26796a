-- Who may do what (DESIGN 6). Run at the end of every deploy; the same table stands in tests/rights.toml.
-- What is not granted here is nobody's.

revoke all on all tables in schema billig, report, consistency from
public, billig_seller, billig_web, billig_legacy, billig_dev, marketplace_web, bookkeeper, analyst, scheduler, auditor;
revoke all on all sequences in schema billig from
public, billig_seller, billig_web, billig_legacy, billig_dev, marketplace_web, bookkeeper, analyst, scheduler, auditor;
revoke all on all functions in schema billig from
public, billig_seller, billig_web, billig_legacy, billig_dev, marketplace_web, bookkeeper, analyst, scheduler, auditor;
alter default privileges in schema billig revoke execute on functions from public;

grant usage on schema billig to billig_seller, billig_web, billig_legacy, billig_dev, bookkeeper, scheduler, auditor;
grant usage on schema report to analyst, bookkeeper, auditor;
grant usage on schema consistency to auditor, scheduler, bookkeeper;
grant usage, create on schema analysis to analyst;

-- The programme and the lookup tables hold no personal data.
grant select on
billig.organisation, billig.event_type, billig.vat_code, billig.vat_rate, billig.project, billig.payment_method,
billig.sale_channel, billig.transaction_type, billig.cash_point, billig.till_report_item,
billig.event, billig.event_lim_web, billig.ticket_group, billig.price_group
to billig_seller, billig_web, billig_legacy, billig_dev, bookkeeper, auditor;

-- Legacy code reads the ticketing tables, and updates what DESIGN 6 names.
grant select on
billig.purchase, billig.ticket, billig.ticket_card, billig.payment_error, billig.payment_error_price_group
to billig_legacy, billig_dev;
grant update (refunded, refunder, point_of_refund, used, on_card) on billig.ticket to billig_legacy, billig_dev;
grant update (num_sold) on billig.ticket_group to billig_legacy, billig_dev;

-- A development client inserts purchases and tickets itself; what they are sold as is the database's.
grant insert (purchase, owner_member_id, owner_email, purchase_time, seller) on billig.purchase to billig_dev;
grant insert (ticket, price_group, purchase, on_card, paid, sale_channel, seller, cash_point)
on billig.ticket to billig_dev;
grant usage on sequence billig.purchase_purchase_seq, billig.ticket_ticket_seq to billig_dev;

grant select on
billig.transaction_log, billig.payment, billig.payment_line, billig.exchange, billig.ticket, billig.owed_back,
billig.receipt_print, billig.service_role, billig.till_session, billig.till_event, billig.till_count,
billig.till_denomination, billig.z_report, billig.z_report_line, billig.owed_back_part,
billig.posted_log, billig.posted_total, billig.rollup, billig.rollup_batch, billig.late_row
to auditor;
grant select on billig.owed_back to bookkeeper;
grant select on billig.accounting_period to bookkeeper, auditor;

-- Which account a voucher's line goes to: the bookkeeper decides, through the functions.
grant select on
billig.account, billig.voucher_line_kind, billig.voucher_rule, billig.event_date
to bookkeeper, auditor;

grant select on all tables in schema report to analyst, bookkeeper, auditor;
grant select on all tables in schema consistency to auditor, scheduler, bookkeeper;

grant execute on function billig.vat_of, billig.local_time to
billig_seller, billig_web, billig_legacy, billig_dev, bookkeeper, scheduler, auditor;

-- Views ask it for local dates, with the rights of who reads them.
grant execute on function billig.local_time to analyst;

grant execute on function billig.create_purchase, billig.cancel_reservation, billig.refund, billig.receipt
to billig_seller, billig_web;
grant execute on function
billig.pay_reservation, billig.undo_last_sale, billig.ticket_exchange, billig.ticket_exchage, billig.change_price_group,
billig.till_open, billig.till_event
to billig_seller;
grant execute on function billig.till_close, billig.till_status, billig.x_report, billig.z_report
to billig_seller, bookkeeper;
grant execute on function billig.confirm_net_payment, billig.abort_purchase, billig.record_payment_error
to billig_web;
grant execute on function billig.expire_net_sales, billig.expire_reservations to billig_web, scheduler;
grant execute on function
billig.register_cash_point, billig.settle_owed_back, billig.erase_buyer,
billig.check_programme, billig.import_programme, billig.set_account, billig.set_voucher_rule
to bookkeeper;
grant select on billig.programme_column to bookkeeper;
grant execute on function billig.close_period to bookkeeper;
grant execute on function billig.roll_up_log to bookkeeper, scheduler;
-- Whoever reads a view calls the functions in it: these say which rows are late, and nothing else.
grant execute on function billig.late_rows, billig.posting_date to analyst, bookkeeper, auditor, scheduler;
