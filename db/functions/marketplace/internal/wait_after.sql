create or replace function marketplace.wait_after(
    p_attempt marketplace.payment_attempt, p_state text, p_event text, p_is_ours boolean, p_now timestamptz
)
returns interval
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_gateway marketplace.gateway;
begin
    select g.* into v_gateway from marketplace.gateway as g where g.gateway = p_attempt.gateway;
    if p_is_ours then
        return v_gateway.balance_wait;
    elsif p_state = 'DECLINED_SOFT' then
        return (
            select r.wait
            from marketplace.retry_rule as r
            where
                r.kind = p_attempt.kind
                and r.declined = 1 + (
                    select count(*)
                    from marketplace.payment_attempt as a
                    where
                        a.transaction = p_attempt.transaction and a.kind = p_attempt.kind and a.state = 'DECLINED_SOFT'
                        and a.payment_means = p_attempt.payment_means and not a.is_ours
                )
        );
    end if;
    return case
        when p_event = 'rate_limited' then interval '1 minute'
        when p_state = 'PROCESSING' then v_gateway.poll_wait
        when p_state = 'REQUIRES_ACTION' and p_attempt.state <> 'REQUIRES_ACTION' then v_gateway.action_term
        when p_state = 'REQUIRES_ACTION' and p_attempt.next_retry_at <= p_now then v_gateway.poll_wait
    end;
end;
$$;

comment on function marketplace.wait_after(marketplace.payment_attempt, text, text, boolean, timestamptz) is
'How long after an answer an attempt waits until it is made or asked after again. p_attempt: as it was before; p_state, p_event: what the answer makes of it; p_is_ours: our own balance did not suffice, which waits as often as it must. Null: it is not. May be null: the result.';
