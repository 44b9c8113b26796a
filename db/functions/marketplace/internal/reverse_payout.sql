create or replace function marketplace.reverse_payout(
    p_attempt marketplace.payment_attempt, p_gateway_id text, p_amount bigint, p_currency text, p_message text, p_now timestamptz
)
returns table (outcome text, state text, status text, alarm text)
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
declare
    v_back bigint;
    v_outcome text := 'NOTHING_NEW';
begin
    if
        p_attempt.state <> 'SUCCEEDED' or p_attempt.kind <> 'PAYOUT' or p_currency <> p_attempt.currency
        or p_gateway_id <> p_attempt.gateway_id or p_amount > p_attempt.amount
    then
        v_outcome := 'ALARM';
        update marketplace.payment_attempt as a
        set event = 'contradicted', alarm = 'mismatch', message = left(p_message, 500), changed_at = p_now
        where a.payment_attempt = p_attempt.payment_attempt;
    else
        -- So much in all: told twice, or in any order, the most is what counts.
        v_back := coalesce(p_amount, p_attempt.amount) - p_attempt.came_back;
        if v_back > 0 then
            v_outcome := 'APPLIED';
            update marketplace.payment_attempt as a
            set
                event = 'returned', message = left(p_message, 500), changed_at = p_now,
                returned_part = case when a.came_back + v_back < a.amount then a.came_back + v_back else a.returned_part end,
                returned_at = case when a.came_back + v_back = a.amount then p_now end
            where a.payment_attempt = p_attempt.payment_attempt;
            perform marketplace.owe_again(p_attempt.payment_attempt, v_back, p_now);
        end if;
    end if;
    return query
    select v_outcome, a.state, t.status, a.alarm
    from marketplace.payment_attempt as a
    inner join marketplace.transaction as t on a.transaction = t.transaction
    where a.payment_attempt = p_attempt.payment_attempt;
end;
$$;

comment on function marketplace.reverse_payout(marketplace.payment_attempt, text, bigint, text, text, timestamptz) is
'Of a payout p_amount øre were taken back so far, in all; null: all of it. What is new of that is in the purse again, and owed again (owe_again). APPLIED; NOTHING_NEW: so much was known; ALARM: it is no payout that succeeded, or another amount. For record_answer alone, which holds the attempt. May be null: p_gateway_id, p_amount, p_currency, p_message, alarm.';
