create or replace function billig.counts_for_ticket(p_transaction_type smallint, p_exchange bigint)
returns boolean
language sql immutable parallel safe
return billig.takes_money(p_transaction_type) or billig.is_refund(p_transaction_type) and p_exchange is null;

comment on function billig.counts_for_ticket(smallint, bigint) is
'Of a log row: it says which payment a ticket''s own money lies in, or went back from. An exchange gives an old ticket back as a whole: what lay in it lies in the new ones, and is followed from there.';
