create or replace view consistency.trigger_guard as
select
    w.table_name,
    w.trigger_name,
    case
        when t.oid is null then 'missing'
        when t.tgenabled <> 'A' and w.table_name <> 'billig.ticket_group' then 'not ALWAYS'
        else 'not what was deployed'
    end as problem
from (
    values
    (
        'billig.ticket', 'aa_follow_client_id', 'BEFORE INSERT ON ticket FOR EACH ROW'
        ' WHEN ((new.ticket > COALESCE(pg_sequence_last_value(''ticket_ticket_seq''::regclass), (0)::bigint)))'
        ' EXECUTE FUNCTION follow_client_id(''ticket'', ''ticket_ticket_seq'')'
    ),
    (
        'billig.ticket', 'ticket_fill', 'BEFORE INSERT ON ticket'
        ' FOR EACH ROW WHEN ((new.price IS NULL)) EXECUTE FUNCTION ticket_fill()'
    ),
    (
        'billig.ticket', 'ticket_1_capacity_insert', 'AFTER INSERT ON ticket REFERENCING NEW TABLE AS new_ticket'
        ' FOR EACH STATEMENT EXECUTE FUNCTION ticket_capacity_insert()'
    ),
    (
        'billig.ticket', 'ticket_1_capacity_update', 'AFTER UPDATE ON ticket REFERENCING OLD TABLE AS old_ticket NEW TABLE AS new_ticket'
        ' FOR EACH STATEMENT EXECUTE FUNCTION ticket_capacity_update()'
    ),
    (
        'billig.ticket', 'ticket_2_log_insert', 'AFTER INSERT ON ticket REFERENCING NEW TABLE AS new_ticket'
        ' FOR EACH STATEMENT EXECUTE FUNCTION ticket_log_insert()'
    ),
    (
        'billig.ticket', 'ticket_2_log_update', 'AFTER UPDATE ON ticket REFERENCING OLD TABLE AS old_ticket NEW TABLE AS new_ticket'
        ' FOR EACH STATEMENT EXECUTE FUNCTION ticket_log_update()'
    ),
    (
        'billig.ticket', 'ticket_keep', 'BEFORE DELETE OR TRUNCATE ON ticket'
        ' FOR EACH STATEMENT EXECUTE FUNCTION ticket_keep()'
    ),
    (
        'billig.transaction_log', 'transaction_log_keep', 'BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON transaction_log'
        ' FOR EACH STATEMENT EXECUTE FUNCTION transaction_log_keep()'
    ),
    (
        'billig.transaction_log', 'transaction_log_balance', 'AFTER INSERT ON transaction_log DEFERRABLE INITIALLY DEFERRED'
        ' FOR EACH ROW WHEN (new.first_of_payment) EXECUTE FUNCTION payment_balance()'
    ),
    (
        'billig.payment', 'payment_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON payment'
        ' FOR EACH STATEMENT EXECUTE FUNCTION payment_keep()'
    ),
    (
        'billig.exchange', 'exchange_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON exchange'
        ' FOR EACH STATEMENT EXECUTE FUNCTION payment_keep()'
    ),
    (
        'billig.owed_back_part', 'owed_back_part_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON owed_back_part'
        ' FOR EACH STATEMENT EXECUTE FUNCTION payment_keep()'
    ),
    (
        'billig.receipt_print', 'receipt_print_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON receipt_print'
        ' FOR EACH STATEMENT EXECUTE FUNCTION payment_keep()'
    ),
    (
        'books.accounting_period', 'accounting_period_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON accounting_period'
        ' FOR EACH STATEMENT EXECUTE FUNCTION period_keep()'
    ),
    (
        'billig.rollup_batch', 'rollup_batch_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON rollup_batch'
        ' FOR EACH STATEMENT EXECUTE FUNCTION period_keep()'
    ),
    (
        'billig.late_row', 'late_row_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON late_row'
        ' FOR EACH STATEMENT EXECUTE FUNCTION period_keep()'
    ),
    (
        'billig.payment_line', 'payment_line_delete', 'BEFORE DELETE OR TRUNCATE ON payment_line'
        ' FOR EACH STATEMENT EXECUTE FUNCTION payment_keep()'
    ),
    (
        'billig.payment_line', 'payment_line_keep', 'AFTER INSERT ON payment_line REFERENCING NEW TABLE AS new_line'
        ' FOR EACH STATEMENT EXECUTE FUNCTION payment_line_keep()'
    ),
    (
        'billig.payment_line', 'payment_line_keep_update', 'AFTER UPDATE ON payment_line'
        ' FOR EACH ROW EXECUTE FUNCTION payment_line_keep_update()'
    ),
    (
        'billig.payment_line', 'payment_line_balance', 'AFTER INSERT OR UPDATE ON payment_line DEFERRABLE INITIALLY DEFERRED'
        ' FOR EACH ROW EXECUTE FUNCTION payment_balance()'
    ),
    (
        'billig.payment', 'payment_till', 'BEFORE INSERT ON payment FOR EACH ROW'
        ' WHEN (((new.cash_point IS NOT NULL) OR (new.till_session IS NOT NULL))) EXECUTE FUNCTION payment_till()'
    ),
    (
        'billig.receipt_print', 'receipt_print_till', 'BEFORE INSERT ON receipt_print FOR EACH ROW EXECUTE FUNCTION receipt_print_till()'
    ),
    (
        'billig.till_session', 'till_session_keep', 'BEFORE INSERT OR UPDATE ON till_session FOR EACH ROW EXECUTE FUNCTION till_session_keep()'
    ),
    (
        'billig.till_session', 'till_session_delete', 'BEFORE DELETE OR TRUNCATE ON till_session FOR EACH STATEMENT EXECUTE FUNCTION payment_keep()'
    ),
    (
        'billig.till_event', 'till_event_open', 'BEFORE INSERT ON till_event FOR EACH ROW EXECUTE FUNCTION till_event_keep()'
    ),
    (
        'billig.till_event', 'till_event_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON till_event'
        ' FOR EACH STATEMENT EXECUTE FUNCTION payment_keep()'
    ),
    (
        'billig.till_count', 'till_count_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON till_count'
        ' FOR EACH STATEMENT EXECUTE FUNCTION payment_keep()'
    ),
    (
        'billig.till_denomination', 'till_denomination_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON till_denomination'
        ' FOR EACH STATEMENT EXECUTE FUNCTION payment_keep()'
    ),
    (
        'billig.z_report', 'z_report_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON z_report'
        ' FOR EACH STATEMENT EXECUTE FUNCTION payment_keep()'
    ),
    (
        'billig.z_report_line', 'z_report_line_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON z_report_line'
        ' FOR EACH STATEMENT EXECUTE FUNCTION payment_keep()'
    ),
    (
        'billig.purchase', 'aa_follow_client_id', 'BEFORE INSERT ON purchase FOR EACH ROW'
        ' WHEN ((new.purchase > COALESCE(pg_sequence_last_value(''purchase_purchase_seq''::regclass), (0)::bigint)))'
        ' EXECUTE FUNCTION follow_client_id(''purchase'', ''purchase_purchase_seq'')'
    ),
    (
        'billig.event', 'aa_follow_client_id', 'BEFORE INSERT ON event FOR EACH ROW'
        ' WHEN ((new.event > COALESCE(pg_sequence_last_value(''event_event_seq''::regclass), (0)::bigint)))'
        ' EXECUTE FUNCTION follow_client_id(''event'', ''event_event_seq'')'
    ),
    (
        'billig.event', 'event_date_insert', 'AFTER INSERT ON event FOR EACH ROW EXECUTE FUNCTION note_event_date()'
    ),
    (
        'billig.event', 'event_date_update', 'AFTER UPDATE ON event FOR EACH ROW'
        ' WHEN (((old.event_time)::date <> (new.event_time)::date)) EXECUTE FUNCTION note_event_date()'
    ),
    (
        'billig.price_group', 'aa_follow_client_id', 'BEFORE INSERT ON price_group FOR EACH ROW'
        ' WHEN ((new.price_group > COALESCE(pg_sequence_last_value(''price_group_price_group_seq''::regclass), (0)::bigint)))'
        ' EXECUTE FUNCTION follow_client_id(''price_group'', ''price_group_price_group_seq'')'
    ),
    (
        'billig.ticket_group_base', 'aa_follow_client_id', 'BEFORE INSERT ON ticket_group_base FOR EACH ROW'
        ' WHEN ((new.ticket_group > COALESCE(pg_sequence_last_value(''ticket_group_base_ticket_group_seq''::regclass), (0)::bigint)))'
        ' EXECUTE FUNCTION follow_client_id(''ticket_group'', ''ticket_group_base_ticket_group_seq'')'
    ),
    (
        'billig.ticket_group', 'ticket_group_write', 'INSTEAD OF INSERT OR DELETE OR UPDATE ON ticket_group'
        ' FOR EACH ROW EXECUTE FUNCTION ticket_group_write()'
    ),
    (
        'marketplace.transaction', 'transaction_keep', 'BEFORE INSERT OR UPDATE ON transaction'
        ' FOR EACH ROW EXECUTE FUNCTION transaction_keep()'
    ),
    (
        'marketplace.transaction', 'transaction_delete', 'BEFORE DELETE OR TRUNCATE ON transaction'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'marketplace.month', 'month_keep', 'BEFORE UPDATE ON month FOR EACH ROW EXECUTE FUNCTION month_keep()'
    ),
    (
        'marketplace.month', 'month_delete', 'BEFORE DELETE OR TRUNCATE ON month'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'marketplace.transaction_subtotal', 'transaction_subtotal_keep',
        'BEFORE DELETE OR UPDATE OR TRUNCATE ON transaction_subtotal FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'marketplace.adjustment', 'adjustment_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON adjustment'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'marketplace.late_click', 'late_click_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON late_click'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'marketplace.update_run', 'update_run_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON update_run'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'marketplace.payment_attempt', 'payment_attempt_keep', 'BEFORE INSERT OR UPDATE ON payment_attempt'
        ' FOR EACH ROW EXECUTE FUNCTION payment_attempt_keep()'
    ),
    (
        'marketplace.payment_attempt', 'payment_attempt_follow', 'AFTER INSERT OR UPDATE ON payment_attempt'
        ' FOR EACH ROW EXECUTE FUNCTION payment_attempt_follow()'
    ),
    (
        'marketplace.payment_attempt', 'payment_attempt_delete', 'BEFORE DELETE OR TRUNCATE ON payment_attempt'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'marketplace.payment_attempt_event', 'payment_attempt_event_keep',
        'BEFORE DELETE OR UPDATE OR TRUNCATE ON payment_attempt_event FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'marketplace.gateway_event', 'gateway_event_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON gateway_event'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'marketplace.reserve_movement', 'reserve_movement_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON reserve_movement'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'marketplace.payment_means', 'payment_means_keep', 'BEFORE UPDATE ON payment_means'
        ' FOR EACH ROW EXECUTE FUNCTION payment_means_keep()'
    ),
    (
        'marketplace.payment_means', 'payment_means_delete', 'BEFORE DELETE OR TRUNCATE ON payment_means'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'marketplace.fund', 'fund_delete', 'BEFORE DELETE OR TRUNCATE ON fund'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.import_file', 'import_file_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON import_file'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.statement', 'statement_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON statement'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.statement_entry', 'statement_entry_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON statement_entry'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.entry', 'entry_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON entry'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.entry_detail', 'entry_detail_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON entry_detail'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.expected', 'expected_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON expected'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.expected_line', 'expected_line_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON expected_line'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.expected_owed', 'expected_owed_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON expected_owed'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.match', 'match_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON match'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.match_entry', 'match_entry_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON match_entry'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.match_expected', 'match_expected_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON match_expected'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.match_line', 'match_line_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON match_line'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.match_approval', 'match_approval_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON match_approval'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.match_undo', 'match_undo_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON match_undo'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.released_entry', 'released_entry_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON released_entry'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.released_expected', 'released_expected_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON released_expected'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.payout', 'payout_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON payout'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.payout_line', 'payout_line_keep', 'BEFORE DELETE OR UPDATE OR TRUNCATE ON payout_line'
        ' FOR EACH STATEMENT EXECUTE FUNCTION record_keep()'
    ),
    (
        'bank.match', 'match_balance', 'AFTER INSERT ON match REFERENCING NEW TABLE AS new_part'
        ' FOR EACH STATEMENT EXECUTE FUNCTION match_balance()'
    ),
    (
        'bank.match_entry', 'match_entry_balance', 'AFTER INSERT ON match_entry REFERENCING NEW TABLE AS new_part'
        ' FOR EACH STATEMENT EXECUTE FUNCTION match_balance()'
    ),
    (
        'bank.match_expected', 'match_expected_balance', 'AFTER INSERT ON match_expected REFERENCING NEW TABLE AS new_part'
        ' FOR EACH STATEMENT EXECUTE FUNCTION match_balance()'
    ),
    (
        'bank.match_line', 'match_line_balance', 'AFTER INSERT ON match_line REFERENCING NEW TABLE AS new_part'
        ' FOR EACH STATEMENT EXECUTE FUNCTION match_balance()'
    )
) as w (table_name, trigger_name, definition)
left join pg_trigger as t
    on
        t.tgrelid = to_regclass(w.table_name)
        and t.tgname = w.trigger_name
        and not t.tgisinternal
where
    t.oid is null
    or (t.tgenabled <> 'A' and w.table_name <> 'billig.ticket_group')
    -- moments, columns and conditions too: a guard WHEN (false) guards nothing
    or substring(
        replace(replace(pg_get_triggerdef(t.oid), split_part(w.table_name, '.', 1) || '.', ''), 'books.', '')
        from '((BEFORE|AFTER|INSTEAD OF) .*)'
    ) <> w.definition
    or t.tgfoid <> coalesce(
        to_regproc(split_part(w.table_name, '.', 1) || '.' || substring(w.definition from 'EXECUTE FUNCTION (\w+)')),
        to_regproc('books.' || substring(w.definition from 'EXECUTE FUNCTION (\w+)'))
    );

comment on view consistency.trigger_guard is
'Every guarding and filling trigger stands, fires and calls what was deployed, at the moments and under the conditions it was deployed for, and is ALWAYS (a view''s own trigger cannot be). An owner can switch one off: a row here says so. A data-only restore leaves them ordinary: run pybridge deploy.';
