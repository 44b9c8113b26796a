create or replace function billig.has_key(p_purchase bigint, p_key uuid)
returns boolean
language sql stable
return exists (
    select from billig.purchase_key as k where k.purchase = p_purchase and k.purchase_key = p_key
);

comment on function billig.has_key(bigint, uuid) is
'Whether this is the key of a purchase, which its buyer was given. May be null: p_purchase, p_key.';
