create or replace function marketplace.judge_event(
    p_attempt marketplace.payment_attempt, p_answer text, p_occurred_at timestamptz
)
returns text
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    -- What a payment does not come back from: said by an event of any age, it is so, or the gateway is asked.
    v_is_last constant boolean := p_answer = case when p_attempt.kind = 'REFUND' then 'declined' else 'succeeded' end;
    v_is_open constant boolean := p_attempt.state in ('SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION');
    v_is_same constant boolean := p_answer = case p_attempt.state
        when 'SUCCEEDED' then 'succeeded' when 'PROCESSING' then 'processing' when 'REQUIRES_ACTION' then 'requires_action'
        when 'DECLINED_SOFT' then 'declined' when 'DECLINED_HARD' then 'declined'
    end;
    v_said_at timestamptz;
    v_said text[];
    v_heard_at timestamptz;
begin
    if
        p_answer not in ('succeeded', 'processing', 'requires_action', 'declined') or p_occurred_at is null
        or p_attempt.state = 'PREPARED'
        or not (select g.looks_up from marketplace.gateway as g where g.gateway = p_attempt.gateway)
    then
        return 'APPLY';
    elsif v_is_last then
        return case when v_is_open or v_is_same or p_attempt.kind = 'REFUND' and p_attempt.state = 'SUCCEEDED' then 'APPLY' else 'DOUBT' end;
    end if;
    select e.occurred_at, array_agg(e.answer) into v_said_at, v_said
    from marketplace.gateway_event as e
    where
        e.payment_attempt = p_attempt.payment_attempt and e.occurred_at is not null
        and e.answer in ('succeeded', 'processing', 'requires_action', 'declined') and e.outcome in ('APPLIED', 'NOTHING_NEW', 'ALARM')
    group by e.occurred_at
    order by e.occurred_at desc
    limit 1;
    -- Of what it answered us the gateway does not say the time: it is ours, and clocks differ.
    select max(e.happened_at) into v_heard_at
    from marketplace.payment_attempt_event as e
    where
        e.payment_attempt = p_attempt.payment_attempt and e.job_run is not null
        and e.event in ('succeeded', 'processing', 'requires_action', 'declined_soft', 'declined_hard', 'looked_up')
        -- What an event of long ago says when it is heard is no answer to our question.
        and not exists (
            select
            from marketplace.gateway_event as g
            where
                g.payment_attempt = e.payment_attempt and g.received_at = e.happened_at and g.outcome = 'APPLIED'
                and e.event in (g.answer, g.answer || '_soft', g.answer || '_hard')
        );
    return case
        when p_occurred_at < v_said_at then 'STALE'
        when v_is_same then 'APPLY'
        when p_occurred_at < v_heard_at - interval '1 hour' then 'STALE'
        when p_occurred_at = v_said_at and p_answer <> all (v_said) then 'DOUBT'
        when p_occurred_at <= v_heard_at + interval '1 minute' then 'DOUBT'
        when p_attempt.state = 'SUCCEEDED' and p_answer = 'declined' then 'DOUBT'
        else 'APPLY'
    end;
end;
$$;

comment on function marketplace.judge_event(marketplace.payment_attempt, text, timestamptz) is
'What an event is to what is known of its attempt, by the gateway''s own time: APPLY; STALE: older than what it said before, it changes nothing; DOUBT: as old as another word of it, or as our own question give or take, or it contradicts how the attempt ended: the gateway is asked. Of gateways that cannot be asked (gateway.looks_up) each is applied. For record_event alone. May be null: p_occurred_at.';
