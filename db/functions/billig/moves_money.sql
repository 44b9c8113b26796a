create or replace function billig.moves_money(p_transaction_type smallint)
returns boolean
language sql immutable parallel safe
return p_transaction_type in (1, 2, 3, 6, 8, 11, 16, 17, 18, 19, 20);

comment on function billig.moves_money(smallint) is
'Of a log row''s type: Money may move, in or out, or from one VAT rate to another (transaction_type.money not ZERO); amounts may still be 0, of a free ticket.';
