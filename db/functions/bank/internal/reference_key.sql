create or replace function bank.reference_key(p_reference text)
returns text
language sql immutable parallel safe
return ltrim(p_reference, '0');

comment on function bank.reference_key(text) is
'What a reference or KID is compared by: without the zeros before it, which some banks add and some leave out.';
