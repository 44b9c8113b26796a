create or replace function billig.buyer_room(p_buyer text, p_price_group int)
returns int
language sql stable
begin atomic
    select o.ticket_limit - (
        select count(*)::int
        from billig.purchase as p
        inner join billig.ticket as t on p.purchase = t.purchase
        where p.buyer = p_buyer and t.price_group = p_price_group and t.refunded is null
    )
    from billig.offer as o
    where o.price_group = p_price_group;
end;

comment on function billig.buyer_room(text, int) is
'How many more tickets of a price group a buyer may hold: its ticket_limit less the live ones of all their purchases; below 0: too many. It holds while the buyer''s turn does (billig.take_buyer_turn).';
