create or replace function marketplace.cancel_attempt(p_payment_attempt bigint, p_reason text, p_now timestamptz default null)
returns void
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_attempt marketplace.payment_attempt;
begin
    perform books.check_text('p_reason', p_reason);
    p_now := jobs.server_time(p_now);
    v_attempt := marketplace.lock_attempt(p_payment_attempt, p_reason);
    if v_attempt.state <> 'PREPARED' then
        raise exception 'the attempt was sent already' using
            errcode = '23B74',
            detail = format('Attempt %s: %s.', p_payment_attempt, v_attempt.state),
            hint = 'Only what is PREPARED can be cancelled; an executed charge is given back by refund_transaction.';
    end if;
    update marketplace.payment_attempt as a
    set state = 'CANCELLED', event = 'cancelled', message = p_reason, changed_at = p_now, resolved_at = p_now, next_retry_at = null
    where a.payment_attempt = p_payment_attempt;
    update marketplace.transaction as t
    set status = 'FAILED'
    where t.transaction = v_attempt.transaction and t.status = 'NEW';
end;
$$;

comment on function marketplace.cancel_attempt(bigint, text, timestamptz) is
'Cancels an attempt before it is sent; its transaction is FAILED until retry_transaction. 22023; P0002 no such attempt; 23B74 it was sent.';
