create or replace function marketplace.hear_event(
    p_payment_attempt bigint, p_answer text, p_gateway_id text, p_amount bigint, p_currency text, p_error_code text,
    p_decline_code text, p_message text, p_occurred_at timestamptz, p_dispute text, p_now timestamptz
)
returns text
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_now constant timestamptz := jobs.server_time(p_now);
    v_attempt marketplace.payment_attempt;
    v_word text;
begin
    select a.* into v_attempt from marketplace.payment_attempt as a where a.payment_attempt = p_payment_attempt;
    v_word := case
        when p_answer in ('noted', 'unread') then 'NOTED'
        -- So much of a charge in all; which refunds those are, their own events say.
        when p_answer = 'refunded' then case when p_amount <= v_attempt.refunded then 'NOTHING_NEW' else 'NOTED' end
        else marketplace.judge_event(v_attempt, p_answer, p_occurred_at)
    end;
    if v_word = 'DOUBT' then
        update marketplace.payment_attempt as a
        set doubted_at = coalesce(a.doubted_at, v_now), event = 'doubted', changed_at = v_now
        where a.payment_attempt = p_payment_attempt;
        return 'DOUBTED';
    elsif v_word <> 'APPLY' then
        return v_word;
    end if;
    return (
        select r.outcome
        from marketplace.record_answer(
            p_payment_attempt, p_answer, p_gateway_id, p_amount, p_currency, p_error_code, p_decline_code, p_message, p_now,
            p_dispute => p_dispute
        ) as r
    );
end;
$$;

comment on function marketplace.hear_event(bigint, text, text, bigint, text, text, text, text, timestamptz, text, timestamptz) is
'What an event does to one attempt that it is about: applied as record_answer does, or STALE, DOUBTED or NOTED; see record_event, for which alone it is, and which holds the account. May be null: p_gateway_id, p_amount, p_currency, p_error_code, p_decline_code, p_message, p_occurred_at, p_dispute, p_now.';
