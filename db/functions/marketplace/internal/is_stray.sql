create or replace function marketplace.is_stray(
    p_gateway text, p_gateway_id text, p_idempotency_key text, p_answer text, p_amount bigint, p_currency text,
    p_error_code text, p_decline_code text, p_metadata jsonb, p_made_at timestamptz
)
returns boolean
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    -- What was declined moved nothing; of what has no number, or no amount, nothing can be taken in: the next look finds it.
    if
        p_gateway_id is null or p_amount is null or p_currency is null
        or p_answer not in ('succeeded', 'processing', 'requires_action')
        or coalesce(p_metadata ->> 'kind', '') not in ('CHARGE', 'PAYOUT', 'REFUND')
    then
        return false;
    end if;
    insert into marketplace.stray as s (
        gateway, gateway_id, kind, idempotency_key, profile, month, attempt_number, request_id, answer, error_code, decline_code,
        amount, currency, made_at
    )
    select
        p_gateway, p_gateway_id, p_metadata ->> 'kind', p_idempotency_key, m.profile, m.month, m.attempt_number, m.request_id,
        p_answer, p_error_code, p_decline_code, p_amount, p_currency, p_made_at
    from marketplace.metadata_of(p_metadata) as m
    on conflict (gateway, gateway_id) do update
    set answer = excluded.answer, error_code = excluded.error_code, decline_code = excluded.decline_code
    where s.resolution is null;
    return exists (
        select from marketplace.stray as s
        where s.gateway = p_gateway and s.gateway_id = p_gateway_id and s.resolution is null
    );
end;
$$;

comment on function marketplace.is_stray(text, text, text, text, bigint, text, text, text, jsonb, timestamptz) is
'A gateway said by itself that it has what bears this ledger''s name and no attempt explains: a stray from now on, unless a person has said what it is. For record_event alone. May be null: p_gateway_id, p_amount, p_currency, p_error_code, p_decline_code, p_metadata.';
