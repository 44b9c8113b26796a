create or replace function marketplace.is_ours(p_attempt marketplace.payment_attempt, p_state text, p_decline_code text)
returns boolean
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
return p_state = 'DECLINED_SOFT' and p_attempt.kind <> 'CHARGE' and exists (
    select from marketplace.decline_code as d
    where d.gateway = p_attempt.gateway and d.decline_code = p_decline_code and d.is_ours
);

comment on function marketplace.is_ours(marketplace.payment_attempt, text, text) is
'Whether a payout or refund was declined (p_state) since our own balance at the gateway, or bank, did not suffice: ours to mend, and nothing that a payee is told of as a decline. May be null: p_decline_code.';
