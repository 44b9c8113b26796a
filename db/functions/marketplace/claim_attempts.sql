create or replace function marketplace.claim_attempts(
    p_gateway text,
    p_kind text,
    p_job_run bigint,
    p_limit int default 1,
    p_now timestamptz default null
)
returns setof marketplace.gateway_call
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_claimed bigint[];
begin
    perform books.check_text('p_gateway', p_gateway, 'p_kind', p_kind);
    p_now := jobs.server_time(p_now);
    perform books.check_count('p_limit', p_limit);
    perform jobs.own_run(p_job_run);
    perform marketplace.check_looked(p_gateway, p_job_run);
    perform marketplace.call_off_unfunded(p_gateway, p_kind, p_now);
    with chosen as materialized (
        select a.payment_attempt, a.idempotency_key
        from marketplace.payment_attempt as a
        where
            a.gateway = p_gateway and a.kind = p_kind and a.state = 'PREPARED'
            and (a.next_retry_at is null or a.next_retry_at <= p_now)
            and not marketplace.has_alarm(a.transaction)
        order by a.payment_attempt
        limit p_limit
        for update skip locked
    ),

    claimed as (
        update marketplace.payment_attempt as a
        set
            state = 'SUBMITTED', event = 'claimed', changed_at = p_now, next_retry_at = null, sent = a.sent + 1,
            submitted_at = coalesce(a.submitted_at, p_now), job_run = p_job_run,
            batch = case when p_limit > 1 then b.batch end
        from chosen as c
        cross join (
            select left(encode(sha256(convert_to(string_agg(k.idempotency_key, ' ' order by k.idempotency_key), 'UTF8')), 'hex'), 32) as batch
            from chosen as k
        ) as b
        where a.payment_attempt = c.payment_attempt
        returning a.payment_attempt
    )

    select array_agg(c.payment_attempt) into v_claimed from claimed as c;
    return query
    select g.*
    from marketplace.gateway_call as g
    where g.payment_attempt = any (v_claimed)
    order by g.payment_attempt;
end;
$$;

comment on function marketplace.claim_attempts(text, text, bigint, int, timestamptz) is
'Takes PREPARED attempts to be sent, at most p_limit: SUBMITTED from now on, so commit, and only then call the gateway. Two that claim at once get different ones. p_limit above 1: as one batch, named after its keys. What has got an alarm since it was prepared waits; what its purse has not any more, since a gateway took it back, is called off, and due again (hold FUND). 22023; P0002 no such run; 23B68 this run has not looked what the gateway has, or it has what we do not know; 23B69 it has ended, or is another session''s. May be null: gateway_id, batch.';
