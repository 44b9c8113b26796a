create or replace function bank.reference_key(p_reference text)
returns text
language sql immutable parallel safe
return ltrim(upper(regexp_replace(p_reference, '[^[:alnum:]]', '', 'g')), '0');

comment on function bank.reference_key(text) is
'What a reference or KID is compared by: letters and digits alone, capitals, without the zeros before it. Banks add and leave out zeros, break a reference in two, and write a blank where it has / or -. Columns named reference_key have it.';
