create or replace function billig.is_sale(p_type smallint)
returns boolean
language sql immutable parallel safe
return p_type in (1, 6, 8);

comment on function billig.is_sale(smallint) is
'Of a log row''s type: A ticket is paid (transaction_type.kind SALE): NORMAL_SALE, NET_PAID, RESERVATION_PAID.';
