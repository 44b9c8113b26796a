create or replace function billig.moves_money(p_type smallint)
returns boolean
language sql immutable parallel safe
return p_type in (1, 2, 3, 6, 8, 11);

comment on function billig.moves_money(smallint) is
'Of a log row''s type: Money may move, in or out (transaction_type.money not ZERO); amounts may still be 0, of a free ticket.';
