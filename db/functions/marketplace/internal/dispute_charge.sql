create or replace function marketplace.dispute_charge(
    p_attempt marketplace.payment_attempt, p_answer text, p_amount bigint, p_currency text, p_code text,
    p_message text, p_now timestamptz
)
returns text
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_sign constant int := case when p_answer = 'returned' then 1 else -1 end;
    v_beyond constant bigint := marketplace.taken_beyond(p_attempt.payment_attempt);
    v_amount bigint := p_amount;
    v_of_charge bigint;
begin
    -- Of another currency nobody knows how much it is: all is gone, and nothing is back until a person has said so.
    if p_currency <> p_attempt.currency then
        v_amount := case when p_answer = 'returned' then p_attempt.amount else 0 end;
    end if;
    if p_answer = 'returned' then
        v_amount := coalesce(v_amount, p_attempt.amount);
        v_of_charge := least(v_amount, p_attempt.left_amount);
        -- The same once more, under another number.
        if v_amount = 0 or (p_attempt.disputed > 0 and v_amount = p_attempt.disputed + v_beyond) then
            return 'NOTHING_NEW';
        end if;
    else
        v_amount := least(coalesce(v_amount, p_attempt.disputed + v_beyond), p_attempt.disputed + v_beyond);
        v_of_charge := least(v_amount, p_attempt.disputed);
        if v_amount = 0 then
            return 'NOTHING_NEW';
        end if;
    end if;
    update marketplace.payment_attempt as a
    set
        disputed = a.disputed + v_sign * v_of_charge,
        event = case when p_answer = 'returned' then 'disputed' else 'reinstated' end,
        alarm = case
            when p_answer = 'returned' then 'disputed'
            when a.alarm = 'disputed' and v_amount = p_attempt.disputed + v_beyond then null
            else a.alarm
        end,
        decline_code = p_code, message = left(p_message, 500), changed_at = p_now
    where a.payment_attempt = p_attempt.payment_attempt;
    if v_amount > v_of_charge then
        insert into marketplace.purse_movement (purse, kind, amount, payment_attempt, reason, moved_at)
        values (
            p_attempt.purse, 'WITHDRAWN', -v_sign * (v_amount - v_of_charge), p_attempt.payment_attempt,
            format('attempt %s: %s beyond what was left of the charge', p_attempt.payment_attempt, p_answer), p_now
        );
    end if;
    return case when p_answer = 'returned' then 'ALARM' else 'APPLIED' end;
end;
$$;

comment on function marketplace.dispute_charge(marketplace.payment_attempt, text, bigint, text, text, text, timestamptz) is
'A gateway took a charge back that had succeeded (p_answer returned), or gave it back to us (reinstated): p_amount øre; null: the whole charge, or all that is in dispute. The purse has it no more from that moment, or again. What is taken beyond what was left of the charge is of the purse alone. ALARM, APPLIED or NOTHING_NEW. May be null: p_amount, p_currency, p_code, p_message.';
