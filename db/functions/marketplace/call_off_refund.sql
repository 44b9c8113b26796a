create or replace function marketplace.call_off_refund(p_transaction bigint, p_reason text, p_now timestamptz default null)
returns void
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_refund marketplace.transaction;
    v_charge marketplace.payment_attempt;
    v_state text;
begin
    perform books.check_text('p_reason', p_reason);
    p_now := jobs.server_time(p_now);
    perform marketplace.lock_open_month(null, p_now);
    select t.* into v_refund from marketplace.transaction as t where t.transaction = p_transaction and t.kind = 'REFUND';
    if not found then
        raise exception 'no such refund' using
            errcode = 'P0002',
            detail = format('Transaction %s.', p_transaction),
            hint = 'REFUND transactions are in report.payment_attempt, and in due_transactions.';
    end if;
    select a.payment_attempt into v_charge.payment_attempt
    from marketplace.payment_attempt as a
    where a.transaction = v_refund.corrects and a.kind = 'CHARGE' and a.state = 'SUCCEEDED';
    v_charge := marketplace.lock_attempt(v_charge.payment_attempt, p_reason);
    select t.* into v_refund from marketplace.transaction as t where t.transaction = p_transaction for no key update;
    select a.state into v_state
    from marketplace.payment_attempt as a
    where a.transaction = p_transaction
    order by a.attempt_number desc
    limit 1
    for update;
    if
        v_refund.status not in ('NEW', 'FAILED')
        or v_charge.alarm is distinct from 'given_back' and (v_refund.status <> 'FAILED' or v_state = 'CANCELLED')
        or v_state not in ('PREPARED', 'CANCELLED', 'DECLINED_SOFT', 'DECLINED_HARD', 'REJECTED')
    then
        raise exception 'the refund was not declined for good, nor did it go back by another road' using
            errcode = '23B75',
            detail = format('Transaction %s: %s, last attempt %s, alarm of the charge: %s.',
                p_transaction, v_refund.status, coalesce(v_state, 'none'), coalesce(v_charge.alarm, 'none')),
            hint = 'Called off is a refund that its gateway has declined for good (FAILED), or one that has not been sent, of a charge whose money was lost in a dispute as well (given_back).';
    end if;
    update marketplace.payment_attempt as a
    set
        state = 'CANCELLED', event = 'cancelled', message = p_reason, changed_at = p_now, resolved_at = p_now, next_retry_at = null
    where a.transaction = p_transaction and a.state = 'PREPARED';
    perform marketplace.unmake_refund(p_transaction, p_reason, p_now);
end;
$$;

comment on function marketplace.call_off_refund(bigint, text, timestamptz) is
'A refund that does not go out is called off: one that its gateway has declined for good (FAILED), as where somebody gave the money back there by hand; or one that has not been sent, of a charge that the bank took back and that is lost (alarm given_back). It is CALLED_OFF for good; the charge''s alarm is cleared once no refund of what is lost waits any more. What clicks taken back were to have by it, and have by no other road, is credited to the account: an ADJUSTMENT, paid to their means or set off. What else is left of the charge may be refunded anew. 22023; P0002 no such refund; 23B75 it may still go out.';
