create or replace function billig.was_used(p_ticket bigint, p_used timestamp)
returns boolean
language sql stable
return p_used is not null or exists (select from billig.reentry as r where r.ticket = p_ticket);

comment on function billig.was_used(bigint, timestamp) is
'True for a ticket that let its holder in, also where its use was taken back since (billig.reentry): it is given back knowingly only, and never exchanged. p_used: the ticket''s own.';
