create or replace function marketplace.book_loss(
    p_payment_attempt bigint,
    p_amount numeric,
    p_reason text,
    p_now timestamptz default null
)
returns numeric
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_attempt marketplace.payment_attempt;
    v_available bigint;
begin
    p_now := jobs.server_time(p_now);
    v_attempt := marketplace.lock_attempt(p_payment_attempt, p_reason);
    if
        p_amount is null or p_amount <= 0 or p_amount <> trunc(p_amount, 2)
        or p_amount * 100 > v_attempt.amount - v_attempt.refunded
    then
        raise exception 'a loss is at most what is left of the charge' using
            errcode = '22023',
            detail = format('Charged NOK %s, given back NOK %s, lost NOK %s.',
                round(v_attempt.amount / 100.0, 2), round(v_attempt.refunded / 100.0, 2), p_amount),
            hint = 'NOK above 0, at most two decimals; move a fee of the gateway with move_reserve.';
    end if;
    if v_attempt.kind <> 'CHARGE' or v_attempt.state <> 'SUCCEEDED' or v_attempt.alarm is distinct from 'contradicted' then
        raise exception 'no charge of this attempt is disputed' using
            errcode = '23B75',
            detail = format('Attempt %s: %s, %s, alarm %s.',
                p_payment_attempt, v_attempt.kind, v_attempt.state, coalesce(v_attempt.alarm, 'none')),
            hint = 'A dispute comes as an event, and raises an alarm on the attempt that charged.';
    end if;
    select f.available into v_available from marketplace.fund as f for update;
    if v_available < p_amount * 100 then
        raise exception 'the fund does not cover the loss' using
            errcode = '23B76',
            detail = format('It has NOK %s; the loss is NOK %s.', round(v_available / 100.0, 2), p_amount),
            hint = 'What is missing was paid to others: put it in first, with move_reserve.';
    end if;
    insert into marketplace.reserve_movement (amount, reason, moved_at)
    values (-p_amount * 100, format('attempt %s was lost: %s', p_payment_attempt, p_reason), p_now);
    update marketplace.fund as f set reserve = f.reserve - (p_amount * 100)::bigint;
    update marketplace.payment_attempt as a
    set alarm = null, event = 'alarm_cleared', message = p_reason, changed_at = p_now
    where a.payment_attempt = p_payment_attempt;
    return round((v_available - p_amount * 100) / 100, 2);
end;
$$;

comment on function marketplace.book_loss(bigint, numeric, text, timestamptz) is
'A charge was disputed, and the bank took its money back: the loss is the operator''s. It leaves the fund, p_amount NOK, whatever is owed to others, and the alarm is cleared; what is available then. The transaction stays EXECUTED. 22023; P0002 no such attempt; 23B75 it is not a charge with a contradiction; 23B76 the fund does not cover it.';
