-- Who may do what. Run at the end of every deploy; the same table stands in tests/deploy/rights.toml.
-- What is not granted here is nobody's.

revoke all on all tables in schema books, billig, marketplace, bank, jobs, report, consistency, deploy from
public, billig_seller, billig_web, billig_legacy, billig_dev, billig_site, marketplace_web, marketplace_profile, bookkeeper, analyst, scheduler, auditor;
revoke all on all sequences in schema books, billig, marketplace, bank, jobs from
public, billig_seller, billig_web, billig_legacy, billig_dev, billig_site, marketplace_web, marketplace_profile, bookkeeper, analyst, scheduler, auditor;
revoke all on all functions in schema books, billig, marketplace, bank, jobs, report, deploy from
public, billig_seller, billig_web, billig_legacy, billig_dev, billig_site, marketplace_web, marketplace_profile, bookkeeper, analyst, scheduler, auditor;
alter default privileges in schema books, billig, marketplace, bank, jobs, report, deploy revoke execute on functions from public;

grant usage on schema books, billig to billig_seller, billig_web, billig_legacy, billig_dev, billig_site, bookkeeper, scheduler, auditor;
grant usage on schema books to marketplace_web, marketplace_profile, analyst;
grant usage on schema marketplace to marketplace_web, marketplace_profile, bookkeeper, scheduler, auditor, analyst;
grant usage on schema bank to bookkeeper, auditor, scheduler;
grant usage on schema jobs to scheduler, bookkeeper, auditor, analyst;
grant usage on schema report to analyst, bookkeeper, auditor, scheduler;
grant usage on schema consistency to auditor, scheduler, bookkeeper;
grant usage, create on schema analysis to analyst;

-- The programme and the lookup tables hold no personal data.
grant select on
billig.organisation, billig.event_type, books.vat_code, books.vat_rate, billig.project, billig.payment_method,
billig.sale_channel, billig.transaction_type, billig.cash_point, billig.till_report_item, billig.receipt_word,
billig.event, billig.event_lim_web, billig.ticket_group, billig.price_group
to billig_seller, billig_web, billig_legacy, billig_dev, billig_site, bookkeeper, auditor;

-- Legacy code and public sites read the ticketing tables. An ORM saves whole rows, so the right to save is one to save
-- every column: what changes is the triggers' to judge, by value. It is given column by column, though, since who may
-- UPDATE a table as such may LOCK it as well, and stop everybody.
grant select on
billig.purchase, billig.ticket, billig.ticket_card, billig.payment_error, billig.payment_error_price_group
to billig_legacy, billig_dev, billig_site;
grant insert on billig.payment_error, billig.payment_error_price_group to billig_legacy, billig_dev;

-- A development client inserts purchases and tickets itself; what they are sold as is the database's.
grant insert on billig.purchase to billig_dev;
grant insert on billig.ticket to billig_dev;
grant usage on sequence billig.purchase_purchase_seq, billig.ticket_ticket_seq to billig_dev;

grant select on
billig.transaction_log, billig.payment, billig.payment_line, billig.exchange, billig.exchange_source, billig.given_back,
billig.ticket, billig.owed_back, billig.receipt, billig.receipt_series, billig.receipt_print, billig.receipt_line,
billig.service_role, billig.seller, billig.till_session, billig.till_event, billig.till_count,
billig.till_denomination, billig.till_drawer, billig.x_report, billig.z_report, billig.z_report_line, billig.owed_back_part,
billig.posted_log, billig.posted_total, billig.rollup, billig.rollup_batch, billig.late_row, billig.late_payment,
billig.reentry, billig.sold_name, billig.dispute, billig.dispute_verdict, billig.dispute_loss
to auditor;
grant select on billig.owed_back to bookkeeper;
grant select on books.accounting_period to bookkeeper, auditor;

-- Which account a voucher's line goes to: the bookkeeper decides, through the functions.
grant select on
books.account, books.voucher_line_kind, books.voucher_rule, books.organisation, books.vat_term, billig.event_date,
billig.event_change, billig.cancelled_purchase
to bookkeeper, auditor;
-- What went out, as it went.
grant select on
books.voucher_export, books.exported_voucher, books.exported_line, books.export_file
to bookkeeper, auditor;
-- What the functions are asked that views ask with the rights of who reads them.
grant select on
books.voucher_rule_period, books.vat_term_rule, books.vat_registration, billig.event_state
to analyst, bookkeeper, auditor, scheduler;

grant select on all tables in schema report to analyst, bookkeeper, auditor;
-- What books.rate_on reads, for report.price_list.
grant select on books.vat_rate to analyst;
grant execute on all functions in schema report to analyst, bookkeeper, auditor;
grant select on all tables in schema consistency to auditor, scheduler, bookkeeper;
-- consistency.trigger_guard asks it.
grant execute on function deploy.present_things, deploy.present_triggers to auditor, scheduler, bookkeeper;

grant execute on function books.vat_of, books.time_zone, billig.local_time to
billig_seller, billig_web, billig_legacy, billig_dev, billig_site, bookkeeper, scheduler, auditor;

-- Views ask these, with the rights of who reads them: local dates, and what the type of a log row means.
grant execute on function billig.local_time to analyst;
grant execute on function
billig.is_sale, billig.is_refund, billig.is_price_change, billig.is_vat_change, billig.is_fee_kept, billig.is_reduction, billig.is_chargeback, billig.is_use, billig.is_unuse,
billig.channel_of, billig.moves_money, billig.left_of, billig.fee_in,
billig.takes_money, billig.takes_seat, billig.is_web_payment, billig.frees_seat, billig.components,
books.share_of, billig.round_cash, books.rule_for, books.taxed, billig.term_on, billig.history_position, books.rate_on
to analyst, bookkeeper, auditor, scheduler;

grant execute on function billig.create_purchase, billig.cancel_reservation, billig.refund
to billig_seller, billig_web;
-- Legacy code prints the receipt of what it did, by ticket.
grant execute on function billig.receipt to billig_seller, billig_web, billig_legacy, billig_dev, bookkeeper;
grant execute on function billig.name_buyer to billig_seller, billig_web, bookkeeper;
grant execute on function billig.number_confirmations, billig.erase_kept_names, bank.erase_texts to scheduler, bookkeeper;
grant execute on function billig.show_receipt to bookkeeper, auditor;
grant execute on function
billig.pay_reservation, billig.undo_last_sale, billig.ticket_exchange, billig.ticket_exchage, billig.change_price_group,
billig.unuse_ticket, billig.reduce_price, billig.pay_cancelled, billig.till_open, billig.till_event
to billig_seller;
grant execute on function billig.cancelled_tickets to billig_seller, bookkeeper;
grant execute on function billig.till_close, billig.till_status, billig.x_report, billig.z_report
to billig_seller, bookkeeper;
grant execute on function billig.confirm_net_payment, billig.abort_purchase, billig.record_payment_error
to billig_web;
grant execute on function billig.show_purchase, billig.show_payment_error to billig_web, billig_site;
grant execute on function billig.record_chargeback, billig.record_chargeback_won, billig.decide_dispute to billig_web, bookkeeper;
grant execute on function billig.change_vat, billig.continue_cancellations to bookkeeper, scheduler;
grant execute on function billig.expire_net_sales, billig.expire_reservations to billig_web, scheduler;
grant execute on function
billig.register_seller, billig.register_cash_point, billig.set_payment_method_organisation, billig.set_fee_vat_code, billig.settle_owed_back,
billig.erase_buyer,
billig.check_programme, billig.import_programme, billig.cancel_event, billig.preview_cancel, billig.refund_cancelled, billig.move_event, books.set_account, books.set_voucher_rule,
books.set_vat_term,
books.set_organisation, books.export_vouchers, books.record_export_file
to bookkeeper;
grant select on billig.programme_column to bookkeeper;
grant execute on function books.close_period to bookkeeper;
grant execute on function billig.roll_up_log to bookkeeper, scheduler;
-- Whoever reads a view calls the functions in it: these say which rows are late, and nothing else.
grant execute on function billig.late_rows, billig.late_payments, books.posting_date to analyst, bookkeeper, auditor, scheduler;
-- A check asks which payments are one whole.
grant execute on function billig.tied_payments to bookkeeper, auditor, scheduler;
grant execute on function books.organisation_on to analyst, bookkeeper, auditor;

-- What a function checks its arguments by, where it runs with the rights of who calls it.
grant execute on function books.check_text, books.fits_line, books.check_day, books.check_moment, books.check_count,
books.list
to marketplace_web, marketplace_profile;

-- The marketplace. A profile's own role reads no table in which others have rows: functions show it its own.
grant select on marketplace.month, marketplace.commission_rate, marketplace.minimum_amount
to marketplace_web, marketplace_profile, bookkeeper, auditor;
grant select on
marketplace.advertisement, marketplace.advertisement_price, marketplace.website, marketplace.transaction
to marketplace_web, bookkeeper, auditor;
grant select on marketplace.profile to marketplace_web, bookkeeper, auditor;
grant select on marketplace.ad_click to marketplace_web, bookkeeper, auditor;
grant select on
marketplace.transaction_subtotal, marketplace.adjustment, marketplace.late_click, marketplace.update_run,
marketplace.click_source, jobs.job, jobs.job_run, jobs.schedule
to bookkeeper, auditor;
-- A person's account.
grant select on
marketplace.set_off, marketplace.account_entry, marketplace.account_name, marketplace.open_amount, marketplace.payment_candidate
to marketplace_web, bookkeeper, auditor;
grant select on
marketplace.own_click, marketplace.own_adjustment, marketplace.own_set_off, marketplace.own_statement,
marketplace.own_statement_line, marketplace.own_advertisement, marketplace.own_website, marketplace.own_payment_attempt,
marketplace.own_payment_means
to marketplace_profile;
-- Views ask these, with the rights of who reads them.
grant execute on function
marketplace.own_click, marketplace.own_adjustment, marketplace.own_set_off, marketplace.own_statement,
marketplace.own_statement_line, marketplace.own_advertisement, marketplace.own_website, marketplace.own_payment_attempt,
marketplace.own_payment_means
to marketplace_profile;

-- The site keeps profiles and what they have by whole rows; who a profile's role is, and whose what is, triggers refuse.
-- A click has no triggers: the policy ad_click_site says what of one the site may name.
grant insert on
marketplace.profile, marketplace.advertisement, marketplace.website, marketplace.advertisement_price, marketplace.ad_click
to marketplace_web;
grant usage on sequence marketplace.ad_click_ad_click_seq to marketplace_web;

grant execute on function
marketplace.sees_all, marketplace.own_profile, books.time_zone, marketplace.day_begins, marketplace.month_of,
marketplace.next_month
to marketplace_web, marketplace_profile, bookkeeper, scheduler, auditor, analyst;
grant execute on function marketplace.due_date to marketplace_web, marketplace_profile, scheduler, bookkeeper, auditor;
grant execute on function
marketplace.current_totals, marketplace.past_transactions, marketplace.why, marketplace.why_not_paid, marketplace.click_series,
marketplace.top_items, marketplace.check_profile, marketplace.check_period, marketplace.click_lines, marketplace.account,
marketplace.click_counts
to marketplace_web, marketplace_profile;
-- pybridge profile show.
grant execute on function marketplace.account to bookkeeper;
grant execute on function marketplace.statement_lines, marketplace.all_click_counts, marketplace.click_days to analyst, bookkeeper, auditor;
grant execute on function marketplace.profile_statement
to marketplace_web, marketplace_profile, analyst, bookkeeper, auditor;
grant execute on function marketplace.means_of, marketplace.action_of to marketplace_web, marketplace_profile;
grant execute on function marketplace.owed_by to marketplace_web, marketplace_profile, bookkeeper;
-- What the site's operators see of the nightly jobs.
grant usage on schema jobs to marketplace_web;
grant execute on function jobs.recent_runs to marketplace_web;
grant select on marketplace.click_window to marketplace_web, bookkeeper, auditor;
-- A policy asks it.
grant execute on function marketplace.takes_click_at, marketplace.is_advertisement_of to marketplace_web;
grant execute on function marketplace.record_clicks to marketplace_web;
grant execute on function marketplace.begin_click_file, marketplace.load_clicks to marketplace_web, scheduler, bookkeeper;
grant execute on function marketplace.exclude_clicks to bookkeeper, marketplace_web;
grant execute on function marketplace.adjust_click, marketplace.adjust_clicks to bookkeeper;
grant execute on function
marketplace.update_transactions, marketplace.close_month, marketplace.ensure_partitions
to scheduler, bookkeeper;
grant execute on function marketplace.verify_month, marketplace.verify_profile to scheduler, bookkeeper, auditor;
-- Where clicks are distributed: see docs/howto/scale-out.md.
grant execute on function
marketplace.recover_clicks, marketplace.hold_clicks, marketplace.click_nodes, marketplace.click_months
to scheduler, bookkeeper, auditor;
-- Views of consistency ask these.
grant execute on function marketplace.click_sums, marketplace.unsorted_clicks, marketplace.paid_clicks to scheduler, bookkeeper, auditor;
-- consistency.marketplace_account asks it.
grant execute on function marketplace.credited_beyond to scheduler, bookkeeper, auditor;

grant execute on function jobs.begin_run, jobs.finish_run to scheduler, bookkeeper;

grant select on marketplace.next_step to marketplace_web, marketplace_profile, bookkeeper, auditor;
grant execute on function marketplace.why to bookkeeper, auditor;
-- report.waiting and report.overdue_charge ask it, with the rights of who reads them.
grant execute on function marketplace.waiting to analyst, bookkeeper, auditor, scheduler;

-- report.payment_means asks it.
grant execute on function marketplace.means_fault to analyst, bookkeeper, auditor;

-- Execution: the scheduler sends and hears; a person decides what it cannot; the site says how a profile pays.
grant select on
marketplace.gateway, marketplace.gateway_kind, marketplace.attempt_step, marketplace.decline_code, marketplace.decline_cause, marketplace.retry_rule,
marketplace.waiting_term,
marketplace.execution_day, marketplace.bank_holiday
to marketplace_web, scheduler, bookkeeper, auditor;
grant select on
marketplace.payment_means, marketplace.payment_attempt, marketplace.payment_attempt_event, marketplace.gateway_event,
marketplace.purse, marketplace.purse_movement, marketplace.fund, marketplace.gateway_look, marketplace.stray,
marketplace.balance_entry, marketplace.balance_decision, marketplace.gateway_balance, marketplace.means_status
to bookkeeper, auditor;
grant select (
    payment_attempt, transaction, profile, kind, attempt_number, amount, currency, state, next_retry_at, resolved_at, gateway,
    payment_means, refunds, purse, alarm, is_ours, is_released, returned_at, came_back, doubted_at, refunded, disputed, lost, credited, left_amount
) on marketplace.payment_attempt to marketplace_web;
grant select (payment_means, profile, kind, gateway, set_at, ended_at)
on marketplace.payment_means to marketplace_web;
grant select on
marketplace.settlement, marketplace.settlement_part, marketplace.payout_hold, marketplace.website_move,
marketplace.click_flag, marketplace.click_flag_rule
to bookkeeper, auditor;
grant select on marketplace.pause, marketplace.account_closing to marketplace_web, bookkeeper, auditor;
grant select (settlement, transaction, profile, kind, amount, undoes, reason, settled_at)
on marketplace.settlement to marketplace_web;
grant select (means_status, payment_means, is_restricted, said_at) on marketplace.means_status to marketplace_web;
-- Why they are held is not for the profile.
grant select (payout_hold, profile, held_at, released_at) on marketplace.payout_hold to marketplace_web;
grant execute on function marketplace.due_transactions to scheduler, bookkeeper, auditor;
grant execute on function
marketplace.prepare_attempts, marketplace.claim_attempts, marketplace.unresolved_calls, marketplace.record_answer
to scheduler;
grant select on marketplace.open_gateways to scheduler, bookkeeper;
grant execute on function
marketplace.begin_look, marketplace.end_look, marketplace.take_in, marketplace.balance_since, marketplace.record_balance
to scheduler, bookkeeper;
grant execute on function marketplace.record_event, marketplace.record_account, marketplace.accounts_to_ask, marketplace.record_action to scheduler;
grant execute on function
marketplace.refund_transaction, marketplace.refund_clicks, marketplace.cancel_attempt, marketplace.resolve_attempt, marketplace.retry_transaction,
marketplace.clear_alarm, marketplace.call_off_refund, marketplace.book_entry, marketplace.move_reserve, marketplace.book_loss, marketplace.book_fee, marketplace.transfer,
marketplace.set_purse, marketplace.declare_foreign, marketplace.settle, marketplace.undo_settlement, marketplace.give_goodwill,
marketplace.charge_fee, marketplace.undo_by_hand, marketplace.hold_payouts, marketplace.release_payouts,
marketplace.move_website, marketplace.undo_website_move, marketplace.erase_profile,
marketplace.decide_click_flag
to bookkeeper;
grant execute on function marketplace.erase_kept_names to scheduler, bookkeeper;
grant select on marketplace.kept_name to bookkeeper;
-- A marketplace that ran before.
grant execute on function
marketplace.bring_balance, marketplace.record_earlier_clicks, marketplace.record_earlier_charges
to bookkeeper;
grant select on marketplace.earlier_click, marketplace.earlier_charge to bookkeeper, auditor;
grant execute on function
marketplace.set_payment_means, marketplace.end_payment_means, marketplace.pause_clicks, marketplace.resume_clicks, marketplace.close_account,
marketplace.reopen_account
to marketplace_web, bookkeeper;

grant execute on function jobs.begin_due_run, jobs.due to scheduler;
-- The views of jobs ask these; of reports the scheduler reads what `pybridge health` shows.
grant execute on function jobs.is_alive, jobs.outlook, jobs.blockers to analyst, bookkeeper, auditor, scheduler;
grant select on report.job_run, report.job_health, report.log_position, report.blocker, report.login, report.waiting,
report.gateway_balance, report.gateway_difference to scheduler;
grant select on jobs.job to scheduler;

-- The bank: the bookkeeper loads, matches and undoes; what payers wrote is for nobody else to read.
grant select on
bank.account, bank.route, bank.import_file, bank.import_left_out, bank.statement, bank.statement_entry, bank.expected,
bank.expected_line, bank.expected_owed, bank.expected_loss, bank.match_rule, bank.match, bank.match_approval, bank.match_undo, bank.match_entry, bank.match_expected,
bank.match_line, bank.match_posting, bank.payout, bank.payout_line, bank.payout_withdrawal
to bookkeeper, auditor;
grant select on
bank.entry, bank.entry_detail, bank.entry_reference, bank.open_entry, bank.open_expected, bank.candidate
to bookkeeper;
grant update (enabled, is_automatic) on bank.match_rule to bookkeeper;
grant execute on function
bank.set_account, bank.set_route, bank.begin_import, bank.load_import, bank.expect, bank.record_disputes, bank.match_open, bank.make_match,
bank.approve_match, bank.undo_match, bank.ignore, bank.load_payout, bank.withdraw_payout
to bookkeeper;
-- What reports of payouts compare names by.
grant execute on function bank.reference_key, bank.text_keys to analyst, bookkeeper, auditor;

-- Whole rows, column by column, generated: what has a new column has a right to it. See above for why not the table.
do $$
declare
    v_right record;
begin
    for v_right in
        select
            format(
                'grant update (%s) on %s to %s',
                string_agg(quote_ident(a.attname), ', ' order by a.attnum), r.relation_name, r.roles
            ) as statement
        from (
            values
            ('billig.ticket', 'billig_legacy, billig_dev'),
            ('billig.ticket_group', 'billig_legacy, billig_dev'),
            ('billig.payment_error', 'billig_legacy, billig_dev'),
            ('billig.payment_error_price_group', 'billig_legacy, billig_dev'),
            ('billig.purchase', 'billig_dev'),
            ('marketplace.profile', 'marketplace_web'),
            ('marketplace.advertisement', 'marketplace_web'),
            ('marketplace.website', 'marketplace_web')
        ) as r (relation_name, roles)
        inner join pg_attribute as a on r.relation_name::regclass = a.attrelid and a.attnum > 0 and not a.attisdropped
        group by r.relation_name, r.roles
    loop
        execute v_right.statement;
    end loop;
end;
$$;
