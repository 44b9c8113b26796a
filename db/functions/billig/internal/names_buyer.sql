create or replace function billig.names_buyer(p_payment_method smallint, p_amount numeric)
returns boolean
language sql immutable parallel safe
return p_payment_method = 1 and p_amount >= 40000; -- CASH, as in payment_line_rounding_check

comment on function billig.names_buyer(smallint, numeric) is
'Of a line of a payment (NOK): so much is paid in notes and coins that the document of the sale has to name its buyer (bokføringsforskriften § 5-1-2).';
