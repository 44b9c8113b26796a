create or replace function marketplace.record_event(
    p_gateway text,
    p_event_id text,
    p_event_kind text,
    p_answer text,
    p_payment_attempt bigint default null,
    p_idempotency_key text default null,
    p_batch text default null,
    p_gateway_id text default null,
    p_amount bigint default null,
    p_currency text default null,
    p_error_code text default null,
    p_decline_code text default null,
    p_message text default null,
    p_occurred_at timestamptz default null,
    p_now timestamptz default null,
    p_dispute text default null,
    p_metadata jsonb default null,
    p_parent text default null,
    p_status text default null,
    p_act_by timestamptz default null
)
returns text
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    -- It bears this ledger's name: so it was made by this ledger, or by the one that this was restored from.
    v_is_named constant boolean := coalesce(p_idempotency_key <> '' and exists (
        select from deploy.ledger as l where l.ledger::text = p_metadata ->> 'ledger'
    ), false);
    v_attempts bigint[];
    v_attempt bigint;
    v_decided record;
    v_is_decided boolean := false;
    v_outcome text;
    v_now timestamptz;
    v_outcomes text[] := array[]::text[];
begin
    perform books.check_text(
        'p_gateway', p_gateway, 'p_event_id', p_event_id, 'p_idempotency_key', p_idempotency_key, 'p_batch', p_batch,
        'p_gateway_id', p_gateway_id, 'p_dispute', p_dispute, 'p_parent', p_parent, 'p_event_kind', p_event_kind, 'p_status', p_status
    );
    perform books.check_moment('p_occurred_at', p_occurred_at);
    perform books.check_moment('p_act_by', p_act_by);
    v_now := jobs.server_time(p_now);
    if coalesce(p_event_id, '') = '' or p_answer is null or not exists (select from marketplace.gateway as g where g.gateway = p_gateway) then
        raise exception 'an event needs a gateway, a number and an answer' using
            errcode = '22023',
            detail = format('Gateway %L, event %L, answer %L.', p_gateway, p_event_id, p_answer),
            hint = 'Gateways are in marketplace.gateway; the number is the gateway''s own, and makes sure that it counts once.';
    end if;
    -- Two deliveries at once: the second waits here for the first, and finds it.
    perform from marketplace.turn as t
    where t.turn = 'EVENT ' || encode(substring(sha256(convert_to(p_gateway || ' ' || p_event_id, 'UTF8')) for 1), 'hex')
    for update;
    select e.outcome into v_outcome
    from marketplace.gateway_event as e
    where e.gateway = p_gateway and e.event_id = p_event_id;
    if found then
        return 'SEEN';
    end if;

    if p_idempotency_key is null and p_batch is not null then
        perform from marketplace.gateway as g where g.gateway = p_gateway for no key update;
    end if;
    select array_agg(a.payment_attempt order by a.payment_attempt) into v_attempts
    from marketplace.payment_attempt as a
    where
        a.gateway = p_gateway
        and case
            when p_idempotency_key is not null then a.idempotency_key = p_idempotency_key
            when p_batch is not null
                then a.batch = p_batch and a.state in ('SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION')
            when p_gateway_id is not null then a.gateway_id = p_gateway_id
            else false
        end
        and (p_payment_attempt is null or a.payment_attempt = p_payment_attempt)
        -- What was never sent by us is not ours to explain it with.
        and not (v_is_named and a.sent = 0);
    -- Accounts first; and all of a batch before the fund, which whoever declines one of it locks last.
    perform from marketplace.profile as p
    where p.profile in (select a.profile from marketplace.payment_attempt as a where a.payment_attempt = any (v_attempts))
    order by p.profile
    for no key update;
    perform from marketplace.transaction as t
    where t.transaction in (select a.transaction from marketplace.payment_attempt as a where a.payment_attempt = any (v_attempts))
    order by t.transaction
    for no key update;
    foreach v_attempt in array coalesce(v_attempts, '{}')
    loop
        v_outcomes := v_outcomes || marketplace.hear_event(
            v_attempt, p_answer, p_gateway_id, p_amount, p_currency, p_error_code, p_decline_code, p_message, p_occurred_at, p_dispute, p_now
        );
    end loop;
    -- Won, or lost, and heard of before it was heard that there was a dispute at all: what is older does not stay.
    if p_answer = 'returned' and cardinality(v_attempts) = 1 then
        select e.answer, e.amount, e.currency, e.dispute into v_decided
        from marketplace.gateway_event as e
        where
            e.payment_attempt = v_attempts[1] and e.answer in ('reinstated', 'lost') and e.outcome = 'NOTHING_NEW'
            and e.occurred_at >= p_occurred_at and (p_dispute is null or e.dispute is null or e.dispute = p_dispute)
        order by e.occurred_at
        limit 1;
        v_is_decided := found;
    end if;
    v_outcome := case
        when v_is_decided then 'APPLIED'
        when 'ALARM' = any (v_outcomes) then 'ALARM'
        when 'APPLIED' = any (v_outcomes) then 'APPLIED'
        when cardinality(v_outcomes) > 0 then v_outcomes[1]
        when p_answer = 'unread' then 'UNREAD'
        when p_answer = 'withdrawn' then 'NOTED'
        when p_answer in ('noted', 'refunded') then 'NOT_OURS'
        -- Of what no attempt explains, what is older than what was said of it changes nothing either.
        when marketplace.has_newer_word(p_gateway, p_gateway_id, p_answer, p_occurred_at) then 'STALE'
        when v_is_named and marketplace.is_stray(
            p_gateway, p_gateway_id, p_idempotency_key, p_answer, p_amount, p_currency, p_error_code, p_decline_code, p_metadata,
            coalesce(p_occurred_at, p_now, now())
        ) then 'STRAY'
        when p_parent is not null and p_idempotency_key is null and p_metadata ->> 'ledger' is null
            and marketplace.refund_by_hand(
                p_gateway, p_gateway_id, p_parent, p_answer, p_amount, p_currency, p_error_code, p_decline_code,
                coalesce(p_occurred_at, p_now, now()), p_now
            ) then 'STRAY'
        else 'NOT_OURS'
    end;
    insert into marketplace.gateway_event (
        gateway, event_id, event_kind, answer, payment_attempt, outcome, gateway_id, amount, currency, dispute,
        occurred_at, received_at, status, act_by
    )
    values (
        p_gateway, p_event_id, coalesce(p_event_kind, ''), p_answer,
        case when cardinality(v_attempts) = 1 then v_attempts[1] end,
        v_outcome, p_gateway_id, p_amount, p_currency, p_dispute, p_occurred_at, v_now, p_status, p_act_by
    );
    -- Only now: which dispute is lost is asked of what was recorded.
    if v_is_decided then
        perform marketplace.record_answer(
            v_attempts[1], v_decided.answer, p_gateway_id, v_decided.amount, v_decided.currency, p_now => p_now,
            p_dispute => coalesce(v_decided.dispute, p_dispute)
        );
    end if;
    return v_outcome;
end;
$$;

comment on function marketplace.record_event(text, text, text, text, bigint, text, text, text, bigint, text, text, text, text, timestamptz, timestamptz, text, jsonb, text, text, timestamptz) is
'What a gateway said by itself, whose signature was checked: applied once, by its gateway and number, in whatever order such things come. Its attempt is known by the key that we sent, by the batch (then all of it that is open), or by what the gateway calls it; p_payment_attempt must agree. SEEN: it came before; APPLIED, NOTHING_NEW, ALARM: as record_answer; STRAY: p_metadata bear this ledger''s name, and no attempt explains it: nothing is sent until take_in, or declare_foreign; or it is a refund that bears nobody''s, of a charge of ours (p_parent), which the next run takes in; STALE: the gateway has said something newer; DOUBTED: it contradicts what is known, and the next run asks the gateway (judge_event); NOTED: p_answer noted, refunded (p_amount of a charge in all) or withdrawn (to our own account): money of ours, of which another event or the gateway''s account says what moved; UNREAD: p_answer unread, of a kind that nobody reads; NOT_OURS: no such attempt, kept all the same. p_dispute: which dispute, in the gateway''s words. A dispute that is heard of after it was won or lost, as p_occurred_at says, is that at once. p_status, p_act_by: what the gateway calls the state of its object, and until when a dispute takes evidence. 22023; P0002.';
