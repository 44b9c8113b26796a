create or replace function billig.is_refund(p_transaction_type smallint)
returns boolean
language sql immutable parallel safe
return p_transaction_type in (2, 11, 16);

comment on function billig.is_refund(smallint) is
'Of a log row''s type: A paid ticket is paid back, or the part of it that is kept (transaction_type.kind REFUND): NORMAL_REFUND, NET_REFUND, FEE_KEPT. How many were: those of them that free a seat.';
