create or replace function billig.components(
    p_vat_code smallint, p_vat_rate numeric, p_amount numeric, p_vat_amount numeric,
    p_fee_vat_code smallint, p_fee_vat_rate numeric, p_fee_amount numeric, p_fee_vat_amount numeric
)
returns table (component text, vat_code smallint, vat_rate numeric, gross_amount numeric, vat_amount numeric)
language sql immutable parallel safe
rows 2
begin atomic
    values
    ('TICKET', p_vat_code, p_vat_rate, p_amount, p_vat_amount),
    ('FEE', p_fee_vat_code, p_fee_vat_rate, p_fee_amount, p_fee_vat_amount);
end;

comment on function billig.components(smallint, numeric, numeric, numeric, smallint, numeric, numeric, numeric) is
'A row of the log, or a sum of such rows, unfolded into what it is made of: TICKET (the price less the fee in it) and FEE, each with its VAT code and rate, NOK including VAT (gross_amount) and the VAT in it, signed as the log is. Both rows are there, also where nothing was charged: who asks leaves out the fees that are none.';
