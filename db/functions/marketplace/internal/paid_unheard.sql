create or replace function marketplace.paid_unheard(
    p_attempt marketplace.payment_attempt, p_gateway_id text, p_now timestamptz
)
returns marketplace.payment_attempt
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_attempt marketplace.payment_attempt := p_attempt;
begin
    if v_attempt.state in ('SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION') then
        perform marketplace.record_answer(
            v_attempt.payment_attempt, 'succeeded', p_gateway_id, v_attempt.amount, v_attempt.currency, p_now => p_now
        );
        select a.* into v_attempt from marketplace.payment_attempt as a where a.payment_attempt = v_attempt.payment_attempt;
    end if;
    return v_attempt;
end;
$$;

comment on function marketplace.paid_unheard(marketplace.payment_attempt, text, timestamptz) is
'What came back, or is taken back, had moved, though nobody has told us of that yet: an attempt that is under way has SUCCEEDED from now on; the attempt as it is then. So the answer that was overtaken changes nothing when it comes. For record_answer, which holds the attempt. May be null: p_gateway_id.';
