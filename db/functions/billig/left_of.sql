create or replace function billig.left_of(
    p_is_paid boolean, p_is_refunded boolean, p_price numeric, p_reduced numeric, p_charged_back numeric, p_kept numeric
)
returns numeric
language sql immutable parallel safe
return case
    when not p_is_paid then 0
    when p_is_refunded then p_kept
    else p_price - p_reduced - p_charged_back
end;

comment on function billig.left_of(boolean, boolean, numeric, numeric, numeric, numeric) is
'What is left with us of a ticket''s money, NOK: its price as sold less reductions and chargebacks; once refunded, what was kept. All that the ticket''s log rows come to, and all that can still be given back. Takes the ticket''s own columns.';
