create or replace function marketplace.unresolved_calls(
    p_gateway text,
    p_job_run bigint,
    p_now timestamptz default null
)
returns table (
    action text, payment_attempt bigint, kind text, amount bigint, currency text, idempotency_key text, request jsonb,
    submitted_at timestamptz, gateway_id text, batch text
)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_live bigint[];
    v_before_strays bigint[];
    v_batch text;
    v_attempt bigint;
    v_action text;
    v_first_sent timestamptz;
begin
    perform books.check_text('p_gateway', p_gateway);
    p_now := jobs.server_time(p_now);
    perform jobs.own_run(p_job_run);
    perform marketplace.check_looked(p_gateway, p_job_run, p_sends => false);
    -- While anything is not taken in nothing is sent, not even again: it may be what this ledger has forgotten. But what was under
    -- way when it was saved, and has a later attempt there, must have ended before that can be taken in: it is looked up.
    if exists (select from marketplace.stray as s where s.gateway = p_gateway and s.resolution is null) then
        v_before_strays := array(
            select f.transaction
            from marketplace.stray as s
            cross join lateral marketplace.find_key(s.idempotency_key, s.kind, s.profile, s.attempt_number) as f
            where s.gateway = p_gateway and s.resolution is null
        );
    end if;
    -- Who takes a batch locks many attempts, in no order: one at a time, record_event of a batch as well.
    perform from marketplace.gateway as g where g.gateway = p_gateway for no key update;
    v_live := array(
        select r.job_run
        from jobs.job_run as r
        where r.outcome is null and jobs.is_alive(r.backend_pid, r.backend_started_at)
    );
    -- Sent by a run that is gone: done or not, nobody knows.
    update marketplace.payment_attempt as a
    set state = 'UNKNOWN', event = 'crashed', changed_at = p_now
    where
        a.gateway = p_gateway and a.state = 'SUBMITTED' and a.job_run <> p_job_run
        and a.job_run <> all (v_live);

    select a.payment_attempt, a.batch, x.action, c.first_sent into v_attempt, v_batch, v_action, v_first_sent
    from marketplace.payment_attempt as a
    inner join marketplace.gateway as g on a.gateway = g.gateway
    -- The key's age by the server's clock as well: p_now may be another day, by mistake or on trial, but the gateway's is not.
    cross join lateral (
        select min(e.written_at) as first_sent
        from marketplace.payment_attempt_event as e
        where e.payment_attempt = a.payment_attempt and e.event = 'claimed'
    ) as c
    cross join lateral (
        select case
            when v_before_strays is not null
                then case when a.transaction = any (v_before_strays) and a.alarm is null or a.doubted_at is not null then 'LOOK_UP' end
            when a.doubted_at is not null then 'LOOK_UP'
            when a.state = 'REQUIRES_ACTION' then case when a.next_retry_at <= p_now then 'CANCEL' end
            when a.state = 'PROCESSING' then case when a.next_retry_at <= p_now then 'LOOK_UP' end
            when a.alarm is not null then null
            when
                a.submitted_at > p_now - g.key_term and c.first_sent > clock_timestamp() - g.key_term
                then case when not marketplace.has_alarm(a.transaction) then 'SEND' end
            when a.changed_at <= p_now - g.poll_wait then 'LOOK_UP'
        end as action
    ) as x
    where
        a.gateway = p_gateway and (a.state in ('UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION') or a.doubted_at is not null)
        and not (a.event = 'sent_again' and a.job_run = any (v_live))
        and (a.state <> 'UNKNOWN' or a.next_retry_at is null or a.next_retry_at <= p_now or v_before_strays is not null or a.doubted_at is not null)
        and a.job_run <> p_job_run
        and x.action is not null
    order by a.payment_attempt
    limit 1
    for update of a skip locked;
    if not found then
        return;
    end if;

    -- A batch is sent again as the whole that it was, but for what a person has called off, or is looking at.
    update marketplace.payment_attempt as a
    set event = 'sent_again', changed_at = p_now, sent = a.sent + (v_action = 'SEND')::int, job_run = p_job_run
    where
        a.payment_attempt = v_attempt
        or (
            v_action = 'SEND' and a.batch = v_batch and a.state = 'UNKNOWN' and not marketplace.has_alarm(a.transaction)
        );
    return query
    select
        v_action, g.payment_attempt, g.kind, g.amount, g.currency, g.idempotency_key, g.request,
        -- A look-up begins where both clocks agree that it was not sent yet.
        case when v_action = 'SEND' then g.submitted_at else least(g.submitted_at, v_first_sent) end,
        g.gateway_id, g.batch
    from marketplace.gateway_call as g
    inner join marketplace.payment_attempt as a on g.payment_attempt = a.payment_attempt
    where
        g.payment_attempt = v_attempt
        or (v_action = 'SEND' and g.batch = v_batch and a.state <> 'CANCELLED' and not marketplace.has_alarm(a.transaction))
    order by g.payment_attempt;
end;
$$;

comment on function marketplace.unresolved_calls(text, bigint, timestamptz) is
'What to ask of a gateway about one attempt of unknown end, or one batch: action SEND the very same request with the same key, while the key is surely known; LOOK_UP by what it calls it, or by our metadata, once it is older, and poll_wait after it was sent last; CANCEL what waited too long for a person. What an event has put in doubt (doubted_at) is looked up, whatever its state. While the gateway has what we do not know (marketplace.stray), only LOOK_UP, of what has a later attempt there. No row: nothing is left, in this run. What another run was sending when it died is UNKNOWN from now on; what one that lives is asking about is left to it. Commit, call, and tell record_answer; then ask again. 22023; P0002 no such run; 23B68 this run has not looked what the gateway has; 23B69 it has ended, or is another session''s. May be null: gateway_id, batch.';
