create or replace function billig.is_reduction(p_transaction_type smallint)
returns boolean
language sql immutable parallel safe
return p_transaction_type = 17;

comment on function billig.is_reduction(smallint) is
'Of a log row''s type: A part of the price of a live ticket was given back: PRICE_REDUCTION.';
