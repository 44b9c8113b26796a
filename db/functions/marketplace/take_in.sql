create or replace function marketplace.take_in(
    p_gateway text, p_gateway_id text, p_job_run bigint, p_now timestamptz default null
)
returns table (payment_attempt bigint, state text, alarm text)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := jobs.server_time(p_now);
    v_stray marketplace.stray;
    v_transaction bigint;
    v_attempt marketplace.payment_attempt;
    v_party text;
begin
    perform books.check_text('p_gateway', p_gateway, 'p_gateway_id', p_gateway_id);
    perform jobs.own_run(p_job_run);
    v_stray := marketplace.lock_stray(p_gateway, p_gateway_id);
    perform marketplace.check_own_first(v_stray);
    select t.transaction, t.attempt_number into v_transaction, v_stray.attempt_number
    from marketplace.transaction_of_stray(v_stray, p_now) as t;
    -- What this ledger would do has the key of what was done: so it is made by whoever makes it else, and not sent.
    for v_round in 0..coalesce(v_stray.attempt_number, 1)
    loop
        select a.* into v_attempt
        from marketplace.payment_attempt as a
        where a.transaction = v_transaction and a.kind = v_stray.kind and a.gateway = p_gateway and a.state = 'PREPARED'
        for update;
        exit when v_attempt.idempotency_key = coalesce(v_stray.idempotency_key, v_attempt.idempotency_key);
        -- One before it, which was called off there and never sent: here as well.
        update marketplace.payment_attempt as a
        set
            state = 'CANCELLED', event = 'cancelled', message = format('%s has a later one', p_gateway), is_released = true,
            changed_at = v_now, resolved_at = v_now, next_retry_at = null
        where a.payment_attempt = v_attempt.payment_attempt and a.attempt_number < v_stray.attempt_number;
        perform marketplace.make_attempts(v_stray.kind, v_transaction, v_now);
    end loop;
    if v_attempt.payment_attempt is null or v_attempt.idempotency_key <> v_stray.idempotency_key then
        raise exception 'this ledger would not do that' using
            errcode = '23B68',
            detail = format('%s %s of %s: %s.', lower(v_stray.kind), p_gateway_id, p_gateway, coalesce((
                select format('transaction %s, attempt %s: %s', d.transaction, d.attempt_number, coalesce(d.hold, 'another gateway'))
                from marketplace.due_transactions(v_stray.kind, v_now) as d
                where d.transaction = v_transaction
            ), format('transaction %s has nothing due', v_transaction))),
            hint = 'Bring the ledger to where it was, as by closing the month, setting the means of payment or, where it says FUND, move_reserve, or by marketplace_execute, which finds out what other gateways are at; and take it in then.';
    end if;
    v_party := coalesce(v_attempt.request ->> 'customer', v_attempt.request ->> 'destination');
    if
        (v_stray.amount, v_stray.currency) is distinct from (v_attempt.amount, v_attempt.currency)
        or v_stray.party <> v_party
    then
        raise exception 'what was done is not what this ledger would do' using
            errcode = '23B68',
            detail = format('%s %s of %s: %s %s with %s; this ledger: %s %s with %s.', lower(v_stray.kind), p_gateway_id, p_gateway,
                round(v_stray.amount / 100.0, 2), v_stray.currency, coalesce(v_stray.party, 'somebody'),
                round(v_attempt.amount / 100.0, 2), v_attempt.currency, coalesce(v_party, 'somebody')),
            hint = case
                when v_stray.kind = 'CHARGE' and v_stray.answer = 'succeeded' and v_stray.amount > v_attempt.amount
                    then 'Bring the ledger to where it was; or say declare_foreign, settle what is due as PAID_OUTSIDE, give_goodwill what was taken beyond it, and move_reserve all of it into the purse.'
                when v_stray.kind = 'CHARGE' and v_stray.answer = 'succeeded' and v_stray.amount < v_attempt.amount
                    then 'Bring the ledger to where it was, as by hearing once more what became of a payout that is under way (marketplace_execute, the bank''s files); or say declare_foreign, settle what was taken as PAID_OUTSIDE, and move_reserve it into the purse.'
                when v_stray.kind = 'PAYOUT'
                    then 'Bring the ledger to where it was; or, of what was paid, declare_foreign, charge_fee it to who has it, and book_fee it of the purse.'
                else 'Bring the ledger to where it was; or put it right at the gateway, and say declare_foreign.'
            end;
    end if;

    update marketplace.payment_attempt as a
    set
        state = 'UNKNOWN', event = 'taken_in', submitted_at = least(v_stray.made_at, v_now), changed_at = v_now,
        job_run = p_job_run, sent = a.sent + 1, batch = v_stray.batch, next_retry_at = null
    where a.payment_attempt = v_attempt.payment_attempt;
    perform marketplace.record_answer(
        v_attempt.payment_attempt, v_stray.answer, p_gateway_id, v_stray.amount, v_stray.currency,
        v_stray.error_code, v_stray.decline_code, null, p_now, p_job_run
    );
    update marketplace.stray as s
    set
        resolution = 'TAKEN_IN', payment_attempt = v_attempt.payment_attempt, resolved_at = v_now, resolved_by = session_user
    where s.gateway = p_gateway and s.gateway_id = p_gateway_id;
    -- What was said of it before anybody knew what it was.
    perform marketplace.record_event(
        e.gateway, left(e.event_id, 900) || ' taken in', e.event_kind, e.answer, p_gateway_id => e.gateway_id, p_amount => e.amount,
        p_currency => e.currency, p_occurred_at => e.occurred_at, p_now => p_now, p_dispute => e.dispute
    )
    from (
        select * from marketplace.gateway_event as x
        where
            x.gateway = p_gateway and x.gateway_id = p_gateway_id and x.outcome = 'NOT_OURS'
            and x.answer in ('returned', 'reversed', 'reinstated', 'lost')
        order by x.occurred_at, x.received_at
    ) as e;
    return query
    select a.payment_attempt, a.state, a.alarm
    from marketplace.payment_attempt as a
    where a.payment_attempt = v_attempt.payment_attempt;
end;
$$;

comment on function marketplace.take_in(text, text, bigint, timestamptz) is
'Takes in what a gateway has done and this ledger has forgotten, or what was done there by hand: as the attempt that this ledger would make for it, which is prepared, not sent, and answered with what became of it. So nobody is charged or paid for it again. p_job_run: the run that looked. 22023; P0002 no such stray; 23B68 this ledger would not do that, or otherwise: it is to be brought to where it was first, or made by hand, and a refund of our own of the charge is open; 23B72 more than is left of the charge: somebody gave it back twice, which is the operator''s loss, declare_foreign and book_fee; 23B75 it is resolved; 23B76 the purse has not so much: move_reserve first. May be null: alarm.';
