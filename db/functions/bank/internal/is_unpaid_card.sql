create or replace function bank.is_unpaid_card(p_code text, p_more jsonb)
returns boolean
language sql immutable parallel safe
return coalesce(p_code = 'UPCT' and coalesce(p_more #>> '{BkTxCd,Domn,Fmly,Cd}', 'MCRD') = 'MCRD', false);

comment on function bank.is_unpaid_card(text, jsonb) is
'Whether the code of an entry, or of a payment in it, says that a card payment was taken back from its merchant: sub-family UPCT (unpaid card transaction), of family MCRD where p_more (the file''s own words, BkTxCd) says one. Source: ISO 20022, external codes of bank transactions.';
