create or replace function bank.format_family(p_format text)
returns text
language sql immutable parallel safe
return left(p_format, 8);

comment on function bank.format_family(text) is
'Formats that tell of an entry in the same words, and number statements alike: camt.053 of any version, MT940, CSV.';
