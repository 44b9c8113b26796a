create or replace function marketplace.clear_alarm(p_payment_attempt bigint, p_reason text, p_now timestamptz default null)
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
    if v_attempt.alarm is null or v_attempt.state = 'UNKNOWN' then
        raise exception 'there is no alarm to clear' using
            errcode = '23B75',
            detail = format('Attempt %s: %s, alarm %s.', p_payment_attempt, v_attempt.state, coalesce(v_attempt.alarm, 'none')),
            hint = 'What is UNKNOWN is resolved by resolve_attempt.';
    end if;
    if v_attempt.alarm = 'disputed' then
        -- Decided from now on, as if the gateway had said so.
        insert into marketplace.gateway_event (
            gateway, event_id, event_kind, answer, payment_attempt, outcome, gateway_id, amount, currency, dispute, received_at
        )
        select
            v_attempt.gateway, format('clear_alarm %s %s', p_payment_attempt, o.dispute), 'clear_alarm', 'reinstated', p_payment_attempt,
            'APPLIED', v_attempt.gateway_id, o.amount, v_attempt.currency, o.dispute, p_now
        from marketplace.open_dispute(p_payment_attempt) as o;
        perform marketplace.dispute_charge(v_attempt, 'reinstated', null, null, null, p_reason, null, p_now);
        return;
    end if;
    update marketplace.payment_attempt as a
    set alarm = null, event = 'alarm_cleared', message = p_reason, changed_at = p_now
    where a.payment_attempt = p_payment_attempt;
end;
$$;

comment on function marketplace.clear_alarm(bigint, text, timestamptz) is
'A person has looked at what the gateway says otherwise, and put it right there. The attempt stays as it is; its transaction may go on: of a charge that was declined here and made there, first give it back at the gateway, since it is charged again; of a payout or refund that has not arrived, say resolve_attempt instead. Of a charge that was disputed: it was won, and its money is in the purse again; what was lost is booked by book_loss. 22023; P0002 no such attempt; 23B75 there is no alarm, or its end is unknown.';
