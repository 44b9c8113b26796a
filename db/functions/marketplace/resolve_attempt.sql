create or replace function marketplace.resolve_attempt(
    p_payment_attempt bigint,
    p_done boolean,
    p_reason text,
    p_gateway_id text default null,
    p_now timestamptz default null
)
returns text
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_attempt marketplace.payment_attempt;
    v_state text;
begin
    perform books.check_text('p_reason', p_reason, 'p_gateway_id', p_gateway_id);
    p_now := jobs.server_time(p_now);
    v_attempt := marketplace.lock_attempt(p_payment_attempt, p_reason);
    if p_done is null or (p_done and coalesce(p_gateway_id, v_attempt.gateway_id, '') = '') then
        raise exception 'whether it was done is not said' using
            errcode = '22023',
            detail = format('Attempt %s.', p_payment_attempt),
            hint = 'Pass true with the gateway''s id of the payment, or false.';
    end if;
    -- We hold that it was paid, the gateway says otherwise, and a person has seen that it was not: as if it had come back.
    if
        not p_done and v_attempt.state = 'SUCCEEDED' and v_attempt.kind <> 'CHARGE' and v_attempt.alarm = 'contradicted'
        and v_attempt.returned_at is null
    then
        update marketplace.payment_attempt as a
        set event = 'returned', returned_at = p_now, alarm = null, message = p_reason, changed_at = p_now
        where a.payment_attempt = p_payment_attempt;
        perform marketplace.owe_again(p_payment_attempt, v_attempt.amount - v_attempt.came_back, p_now);
        return v_attempt.state;
    end if;
    if
        not (v_attempt.state = 'UNKNOWN' and v_attempt.alarm is not null)
        and not marketplace.waits_too_long(v_attempt, p_now)
    then
        raise exception 'the attempt does not wait for a person' using
            errcode = '23B75',
            detail = format('Attempt %s: %s, alarm %s.', p_payment_attempt, v_attempt.state, coalesce(v_attempt.alarm, 'none')),
            hint = 'What is under way is found out by marketplace_execute; only past its term (marketplace.waiting_term) does a person say.';
    end if;
    v_state := case when p_done then 'SUCCEEDED' else 'CANCELLED' end;
    update marketplace.payment_attempt as a
    set
        state = v_state, event = case when p_done then 'confirmed_done' else 'confirmed_undone' end,
        gateway_id = coalesce(a.gateway_id, p_gateway_id), alarm = null, is_released = not p_done, message = p_reason,
        changed_at = p_now, resolved_at = p_now, next_retry_at = null
    where a.payment_attempt = p_payment_attempt;
    return v_state;
end;
$$;

comment on function marketplace.resolve_attempt(bigint, boolean, text, text, timestamptz) is
'A person has asked the gateway what became of an attempt that nothing was found of, and says: done, under p_gateway_id (SUCCEEDED), or not (CANCELLED, and a new attempt follows). The same of what nobody has answered for longer than its term (marketplace.waiting_term; report.waiting lists it): first see that the gateway will not do it after all, and take a bank''s file out of the outbox. Of a payout or refund that has SUCCEEDED and is contradicted: not means that it never arrived, or that all of it came back; it is owed again (owe_again), a part is not. The state. 22023; P0002 no such attempt; 23B75 it is neither.';
