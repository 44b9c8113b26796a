create or replace function billig.is_refund(p_type smallint)
returns boolean
language sql immutable parallel safe
return p_type in (2, 11);

comment on function billig.is_refund(smallint) is
'Of a log row''s type: A paid ticket is paid back (transaction_type.kind REFUND): NORMAL_REFUND, NET_REFUND.';
