create or replace function books.vat_of(p_gross numeric, p_rate numeric)
returns numeric
language sql immutable parallel safe
return round(p_gross * p_rate / (100 + p_rate), 2);

comment on function books.vat_of(numeric, numeric) is
'VAT contained in a gross amount, NOK: gross * rate / (100 + rate), half away from zero to the øre. p_rate in per cent. Taken of the ticket''s part and of the fee, which may together be an øre off the VAT of the whole price; reports sum lines and never recompute from a total.';
