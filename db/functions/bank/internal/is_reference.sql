create or replace function bank.is_reference(p_text text)
returns boolean
language sql immutable parallel safe
return p_text ~ '[0-9]' and p_text !~ '\s';

comment on function bank.is_reference(text) is
'Whether what stands where the bank''s reference belongs can be one: some banks write words there, the same for every deposit.';
