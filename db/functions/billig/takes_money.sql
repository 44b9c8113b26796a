create or replace function billig.takes_money(p_type smallint)
returns boolean
language sql immutable parallel safe
return p_type in (1, 3, 6, 8);

comment on function billig.takes_money(smallint) is
'Of a log row''s type: The new price comes in (transaction_type.money IN or EITHER): of a change, the old one goes out beside it.';
