create or replace function marketplace.own_payment_attempt()
returns table (
    payment_attempt bigint, transaction bigint, kind text, attempt_number int, amount bigint, currency text,
    state text, next_retry_at timestamptz, resolved_at timestamptz, gateway text, payment_means bigint
)
language sql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select
        a.payment_attempt, a.transaction, a.kind, a.attempt_number, a.amount, a.currency, a.state, a.next_retry_at, a.resolved_at,
        a.gateway, a.payment_means
    from marketplace.payment_attempt as a
    where a.profile = (select marketplace.own_profile());
end;

comment on function marketplace.own_payment_attempt() is
'What was tried to charge or pay a profile itself. The profile is who logged in (marketplace.own_profile); of any other, nothing. amount in øre. May be null: next_retry_at, resolved_at.';
