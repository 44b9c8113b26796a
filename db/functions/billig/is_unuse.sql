create or replace function billig.is_unuse(p_transaction_type smallint)
returns boolean
language sql immutable parallel safe
return p_transaction_type = 15;

comment on function billig.is_unuse(smallint) is
'Of a log row''s type: The use of the ticket was taken back: TICKET_UNUSED.';
