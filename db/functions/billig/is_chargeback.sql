create or replace function billig.is_chargeback(p_transaction_type smallint)
returns boolean
language sql immutable parallel safe
return p_transaction_type in (18, 19);

comment on function billig.is_chargeback(smallint) is
'Of a log row''s type: The payment provider took money back since the buyer disputed it, or gave it back: CHARGEBACK, CHARGEBACK_WON.';
