create or replace function billig.is_vat_change(p_transaction_type smallint)
returns boolean
language sql immutable parallel safe
return p_transaction_type = 20;

comment on function billig.is_vat_change(smallint) is
'Of a log row''s type: What lies in the ticket moved from one VAT rate to another: VAT_CHANGE.';
