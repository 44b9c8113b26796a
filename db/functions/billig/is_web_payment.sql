create or replace function billig.is_web_payment(p_payment bigint, p_seller text, p_cash_point int)
returns boolean
language sql immutable parallel safe
return p_payment is not null and p_seller is null and p_cash_point is null;

comment on function billig.is_web_payment(bigint, text, int) is
'Of a payment that took money (false of none): it was made on the web, by no seller at no stand: its provider gives it back, and no till report counts it, neither what came in nor what goes back.';
