create or replace function billig.is_use(p_type smallint)
returns boolean
language sql immutable parallel safe
return p_type = 13;

comment on function billig.is_use(smallint) is
'Of a log row''s type: The ticket was used at the door: TICKET_USED.';
