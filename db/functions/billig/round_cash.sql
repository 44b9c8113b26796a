create or replace function billig.round_cash(p_amount numeric)
returns numeric
language sql immutable parallel safe
return round(p_amount);

comment on function billig.round_cash(numeric) is
'What is handed over in cash for an amount, NOK: whole kroner, 50 øre away from zero. What it leaves is the payment''s line of ROUNDING.';
