create or replace function marketplace.is_by_hand(p_transaction bigint)
returns boolean
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select exists (
        select
        from marketplace.transaction as r
        inner join marketplace.payment_attempt as c on r.corrects = c.transaction and c.kind = 'CHARGE'
        inner join marketplace.stray as s on c.gateway = s.gateway and c.gateway_id = s.parent and r.request_id = s.gateway_id
        where r.transaction = p_transaction and r.kind = 'REFUND' and s.kind = 'REFUND' and s.idempotency_key is null
    );
end;

comment on function marketplace.is_by_hand(bigint) is
'Whether a refund was made by hand at its gateway, and bears the gateway''s own number: nobody has asked this ledger for it.';
