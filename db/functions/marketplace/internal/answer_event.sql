create or replace function marketplace.answer_event(
    p_attempt marketplace.payment_attempt, p_answer text, p_gateway_id text, p_amount bigint, p_currency text,
    p_decline_code text
)
returns text
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    -- Another amount, or a payment that is another attempt's, is not ours to count.
    if
        p_answer in ('succeeded', 'returned') and (p_amount <> p_attempt.amount or p_currency <> p_attempt.currency)
        or p_gateway_id <> p_attempt.gateway_id
        or exists (
            select from marketplace.payment_attempt as a
            where
                a.gateway = p_attempt.gateway and a.gateway_id = p_gateway_id
                and a.payment_attempt <> p_attempt.payment_attempt
        )
    then
        return 'mismatch';
    elsif p_answer <> 'declined' then
        return p_answer;
    elsif exists (
        select from marketplace.decline_code as d
        where d.gateway = p_attempt.gateway and d.decline_code = p_decline_code
    ) then
        return 'declined_soft';
    end if;
    return 'declined_hard';
end;
$$;

comment on function marketplace.answer_event(marketplace.payment_attempt, text, text, bigint, text, text) is
'What a gateway''s answer is to the attempt: an event of marketplace.attempt_step, or mismatch where it speaks of another amount or payment. A decline is soft where marketplace.decline_code has its code. p_amount: minor units. May be null: p_gateway_id, p_amount, p_currency, p_decline_code.';
