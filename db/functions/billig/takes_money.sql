create or replace function billig.takes_money(p_transaction_type smallint)
returns boolean
language sql immutable parallel safe
return p_transaction_type in (1, 3, 6, 8, 17, 18, 19);

comment on function billig.takes_money(smallint) is
'Of a log row''s type: Money for a ticket that lives comes in or goes out: all that moves money, save refunds and VAT_CHANGE. Their sum is what a refund would have to give back.';
