create or replace function marketplace.has_newer_word(
    p_gateway text, p_gateway_id text, p_answer text, p_occurred_at timestamptz
)
returns boolean
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select exists (
        select
        from marketplace.gateway_event as e
        where
            e.gateway = p_gateway and e.gateway_id = p_gateway_id and e.payment_attempt is null
            and e.answer in ('succeeded', 'processing', 'requires_action', 'declined') and e.occurred_at > p_occurred_at
            and p_answer in ('succeeded', 'processing', 'requires_action', 'declined')
    );
end;

comment on function marketplace.has_newer_word(text, text, text, timestamptz) is
'Whether a gateway has said something newer, by its own time, of what becomes of a payment that no attempt explains. For record_event alone. May be null: p_gateway_id, p_occurred_at.';
