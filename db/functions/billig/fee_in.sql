create or replace function billig.fee_in(p_amount numeric, p_fee numeric)
returns numeric
language sql immutable parallel safe
return least(p_amount, p_fee);

comment on function billig.fee_in(numeric, numeric) is
'The part of an amount, NOK, that is a fee, where the fee is p_fee: the fee, or all of what is less than it; the rest is the ticket''s part. Of a price, and of what is left of it: what goes back is taken from the ticket''s part first, and what is kept is the fee first.';
