create or replace function marketplace.means_fault(p_gateway text, p_kind text, p_details jsonb)
returns text
language sql immutable security definer
set search_path = pg_catalog, marketplace, pg_temp
return case
    when p_gateway <> 'bank' or p_kind <> 'PAYOUT' then null
    when coalesce(p_details ->> 'name', '') ~ '^[\s\u00a0\u2000-\u200f\u3000]*$' then 'the holder''s name is missing'
    when (coalesce(p_details ->> 'iban', '') = '') = (coalesce(p_details ->> 'account', '') = '')
        then 'either an IBAN or an account number is wanted'
    when p_details ->> 'iban' <> '' and not books.is_iban(p_details ->> 'iban') then 'the IBAN''s check digits are wrong'
    when p_details ->> 'account' <> '' and not books.is_account_number(p_details ->> 'account')
        then 'the account number''s check digit is wrong'
end;

comment on function marketplace.means_fault(text, text, jsonb) is
'What is wrong with a means of payment, as far as can be seen without asking anybody: of an account at a bank its number''s check digits, or that its holder has no name. Null: nothing. The number itself is not told. May be null: the result.';
