-- The running total up to a part is rounded, never the part: a part begins at the very øre where the one before it
-- ended, and the last one ends at p_amount, which is in whole øre. So the parts sum to p_amount whatever they are, each is
-- less than an øre from its exact share, and of several parts the odd øre goes to the one in which the running total
-- passes half an øre: that depends on the order of the parts alone, which whoever calls states. Shares of shares (a
-- payment's lines over its tickets) are exact both ways: the share of the total up to here, less that of the total before.
create or replace function billig.share_of(p_amount numeric, p_upto numeric, p_part numeric, p_whole numeric)
returns numeric
language sql immutable parallel safe
return round(p_amount * p_upto / p_whole, 2) - round(p_amount * (p_upto - p_part) / p_whole, 2);

comment on function billig.share_of(numeric, numeric, numeric, numeric) is
'The share of p_amount (NOK) that a part of a whole has, to the øre: p_part of p_whole, where p_upto is the sum of the parts up to and with this one, in an order that the caller chooses. The shares of all parts sum to p_amount exactly. p_whole is not 0; with p_amount and p_whole 1 the parts themselves are rounded so.';
