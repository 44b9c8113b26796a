create or replace function billig.is_fee_kept(p_transaction_type smallint)
returns boolean
language sql immutable parallel safe
return p_transaction_type = 16;

comment on function billig.is_fee_kept(smallint) is
'Of a log row''s type: What is kept of a refund: FEE_KEPT.';
