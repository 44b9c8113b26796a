create or replace function marketplace.record_answer(
    p_payment_attempt bigint,
    p_answer text,
    p_gateway_id text default null,
    p_amount bigint default null,
    p_currency text default null,
    p_error_code text default null,
    p_decline_code text default null,
    p_message text default null,
    p_now timestamptz default null,
    p_job_run bigint default null,
    p_dispute text default null
)
returns table (outcome text, state text, status text, alarm text)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_attempt marketplace.payment_attempt;
    v_event text;
    v_state text;
    v_wait interval;
    v_alarm text;
    v_outcome text := 'APPLIED';
    -- The gateway's own word of it, since it was asked.
    v_is_word constant boolean := p_job_run is not null and p_answer in ('succeeded', 'processing', 'requires_action', 'declined');
begin
    -- Longer than other functions: what an answer means for the attempt, its money and its transaction is decided in one place.
    perform books.check_text('p_gateway_id', p_gateway_id, 'p_dispute', p_dispute);
    p_now := jobs.server_time(p_now);
    if p_amount < 0 or p_answer is null or p_answer not in (
        'succeeded', 'processing', 'requires_action', 'declined', 'rate_limited', 'conflict', 'rejected', 'unauthorized',
        'no_answer', 'not_found', 'returned', 'reversed', 'reinstated', 'lost'
    ) then
        raise exception 'no such answer' using
            errcode = '22023',
            detail = format('Answer %L, amount %s.', p_answer, coalesce(p_amount::text, 'not said')),
            hint = 'The words are in pybridge.payments.gateways; a gateway''s module translates into them. Amounts are not signed.';
    end if;
    v_attempt := marketplace.lock_attempt(p_payment_attempt, p_answer);

    -- Another run has sent it since. That this one's call did nothing says nothing of the other's.
    if
        p_job_run <> v_attempt.job_run
        and p_answer in ('rejected', 'rate_limited', 'unauthorized', 'no_answer', 'not_found')
    then
        return query
        select 'NOTHING_NEW', v_attempt.state, t.status, v_attempt.alarm
        from marketplace.transaction as t
        where t.transaction = v_attempt.transaction;
        return;
    end if;
    if p_answer in ('returned', 'reversed') then
        v_attempt := marketplace.paid_unheard(v_attempt, p_gateway_id, p_now);
    end if;
    -- A charge that was taken back, given back to us, or lost for good: the purse follows at once, whatever a person finds.
    if p_answer = 'lost' or v_attempt.kind = 'CHARGE' and v_attempt.state = 'SUCCEEDED' and p_answer in ('returned', 'reinstated') then
        v_outcome := marketplace.dispute_charge(v_attempt, p_answer, p_amount, p_currency, p_decline_code, p_message, p_dispute, p_now);
        return query
        select v_outcome, a.state, t.status, a.alarm
        from marketplace.payment_attempt as a
        inner join marketplace.transaction as t on a.transaction = t.transaction
        where a.payment_attempt = p_payment_attempt;
        return;
    end if;
    if p_answer = 'reversed' then
        return query
        select r.outcome, r.state, r.status, r.alarm
        from marketplace.reverse_payout(v_attempt, p_gateway_id, p_amount, p_currency, p_message, p_now) as r;
        return;
    end if;
    -- A refund that fails after it had succeeded: its money came back to us, and is owed still.
    if p_answer = 'declined' and v_attempt.kind = 'REFUND' and v_attempt.state = 'SUCCEEDED' then
        p_answer := 'returned';
    end if;
    v_event := marketplace.answer_event(v_attempt, p_answer, p_gateway_id, p_amount, p_currency, p_decline_code);
    select s.to_state into v_state
    from marketplace.attempt_step as s
    where s.from_state = v_attempt.state and s.event = v_event;
    if v_event = 'returned' and v_attempt.state = 'SUCCEEDED' and v_attempt.returned_at is not null then
        v_state := null;
    end if;
    if v_state is null then
        -- It has ended, or came back, and no answer changes that. But money that moved although we hold that it did not, or did
        -- not although we hold that it did, is for a person.
        if not (
            v_event = 'mismatch'
            or p_answer = 'succeeded' and v_attempt.state <> 'SUCCEEDED'
            or p_answer = 'declined' and v_attempt.state = 'SUCCEEDED' and v_attempt.returned_at is null
            or p_answer = 'not_found' and v_attempt.doubted_at is not null
        ) then
            -- It was asked because something contradicted it, and says what we knew.
            update marketplace.payment_attempt as a
            set doubted_at = null, event = 'looked_up', changed_at = p_now
            where a.payment_attempt = p_payment_attempt and a.doubted_at is not null and v_is_word;
            return query
            select 'NOTHING_NEW', v_attempt.state, t.status, v_attempt.alarm
            from marketplace.transaction as t
            where t.transaction = v_attempt.transaction;
            return;
        end if;
        v_event := 'contradicted';
        v_state := v_attempt.state;
    end if;

    v_alarm := case
        when p_error_code = 'duplicate' then p_error_code
        when v_event in ('conflict', 'mismatch', 'contradicted') then v_event
        when v_event = 'not_found' and v_state <> 'PROCESSING' then v_event
        when v_attempt.alarm = 'not_found' and v_event <> 'not_found' then null
        else v_attempt.alarm
    end;
    if v_event in ('conflict', 'mismatch', 'contradicted') or v_alarm is distinct from v_attempt.alarm and v_alarm is not null then
        v_outcome := 'ALARM';
    end if;
    v_wait := marketplace.wait_after(v_attempt, v_state, v_event, marketplace.is_ours(v_attempt, v_state, p_decline_code), p_now);
    update marketplace.payment_attempt as a
    set
        state = v_state,
        event = v_event,
        changed_at = p_now,
        gateway_id = coalesce(a.gateway_id, case when v_event not in ('mismatch', 'contradicted') then p_gateway_id end),
        batch = case when v_state <> 'PREPARED' then a.batch end,
        error_code = p_error_code,
        decline_code = p_decline_code,
        message = left(p_message, 500),
        is_ours = case when v_state = a.state then a.is_ours else marketplace.is_ours(v_attempt, v_state, p_decline_code) end,
        alarm = v_alarm,
        doubted_at = case when not (v_is_word or v_event = 'contradicted') then a.doubted_at end,
        returned_at = case when v_event = 'returned' and v_state = 'SUCCEEDED' then p_now else a.returned_at end,
        next_retry_at = case
            when v_state = 'REQUIRES_ACTION' and v_wait is null then a.next_retry_at
            else p_now + v_wait
        end,
        resolved_at = case
            when v_state = a.state then a.resolved_at
            when v_state in ('SUCCEEDED', 'DECLINED_SOFT', 'DECLINED_HARD', 'REJECTED') then p_now
        end
    where a.payment_attempt = p_payment_attempt;

    if
        v_attempt.kind = 'REFUND' and v_state in ('DECLINED_SOFT', 'DECLINED_HARD', 'REJECTED') and v_state <> v_attempt.state
        and marketplace.is_by_hand(v_attempt.transaction)
    then
        -- Nobody has asked this ledger for it, and nothing was given back: so it is not sent from here either.
        perform marketplace.unmake_refund(
            v_attempt.transaction, format('made by hand at %s, and failed there', v_attempt.gateway), p_now
        );
    elsif v_state in ('DECLINED_HARD', 'REJECTED') or (v_state = 'DECLINED_SOFT' and v_wait is null) then
        update marketplace.transaction as t
        set status = 'FAILED'
        where t.transaction = v_attempt.transaction and t.status = 'NEW';
    end if;
    if v_event = 'returned' and v_state = 'SUCCEEDED' then
        perform marketplace.owe_again(p_payment_attempt, v_attempt.amount - v_attempt.came_back, p_now);
    end if;
    return query
    select v_outcome, a.state, t.status, coalesce(a.alarm, case when a.is_ours then 'balance' end)
    from marketplace.payment_attempt as a
    inner join marketplace.transaction as t on a.transaction = t.transaction
    where a.payment_attempt = p_payment_attempt;
end;
$$;

comment on function marketplace.record_answer(bigint, text, text, bigint, text, text, text, text, timestamptz, bigint, text) is
'What a gateway answered, and what that means: the attempt''s next state, and with SUCCEEDED the transaction EXECUTED in the same commit. p_answer: a word of pybridge.payments.gateways; p_amount in minor units. outcome: APPLIED; NOTHING_NEW: it had ended, or was known; ALARM: a person must look. A decline is soft where decline_code has its code; the next attempt is made when retry_rule says; where our own balance did not suffice (decline_code.is_ours), after gateway.balance_wait, without limit, and alarm says balance. A payout that comes back, or a refund that does or fails after all, stays SUCCEEDED, and is owed again (owe_again); reversed, so much of it as has come back in all (p_amount). A refund made by hand at the gateway that fails before that is CALLED_OFF. A charge that is returned is disputed: its money is no more in the purse, and an ALARM; reinstated, it is again; lost, that dispute is booked as book_loss does. p_job_run: who asked; where another run has sent it since, that nothing was done is NOTHING_NEW. p_dispute: of returned, reinstated and lost, which dispute. 22023; P0002 no such attempt. May be null: alarm.';
