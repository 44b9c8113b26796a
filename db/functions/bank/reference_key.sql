create or replace function bank.reference_key(p_reference text)
returns text
language sql immutable parallel safe
return case when p_reference ~ '^[0-9]+$' then ltrim(p_reference, '0') else p_reference end;

comment on function bank.reference_key(text) is
'What a reference or KID is compared by: of digits alone, without the zeros before them, which some banks add and some leave out.';
