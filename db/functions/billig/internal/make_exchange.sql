create or replace function billig.make_exchange(
    p_old billig.ticket[], p_offers billig.offer[], p_new_groups int[], p_seller text, p_cash_point int,
    p_on_card boolean, p_methods text[], p_amounts numeric[], p_difference numeric,
    out exchange bigint, out payment bigint, out new_tickets bigint[]
)
language plpgsql
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
    insert into billig.exchange (seller) values (p_seller) returning exchange into exchange;
    payment := billig.new_payment(
        'EXCHANGE',
        (
            select case when count(distinct o.purchase) = 1 then min(o.purchase) end
            from unnest(p_old) as o
        ),
        exchange, p_seller, p_cash_point, 'FUNCTION', null, null, false, p_methods, p_amounts, p_difference
    );
    if p_difference < 0 then -- in proportion to what is left of the old, of which nothing is charged back
        perform billig.repay(
            array_agg(payment), array_agg(b.gives_back), array_agg(b.payment_method), array_agg(b.amount), p_methods, p_amounts
        )
        from billig.paid_back(
            array(select o.ticket from unnest(p_old) with ordinality as o order by o.ordinality),
            array(select o.price - o.reduced from unnest(p_old) with ordinality as o order by o.ordinality), p_difference
        ) as b;
    end if;
    new_tickets := array(
        select n.ticket
        from billig.new_tickets(
            array(select o.purchase from unnest(p_old) with ordinality as o order by o.ordinality), 'STAND', billig.local_time(), p_seller,
            p_cash_point, payment, p_on_card,
            array(
                select f
                from unnest(p_new_groups) with ordinality as g (price_group, position)
                inner join unnest(p_offers) as f on g.price_group = f.price_group
                order by g.position
            ),
            array_fill(1, array[cardinality(p_new_groups)]),
            array(select o.ticket from unnest(p_old) with ordinality as o order by o.ordinality),
            exchange
        ) as n
        order by n.ticket
    );
end;
$$;

comment on function billig.make_exchange(billig.ticket[], billig.offer[], int[], text, int, boolean, text[], numeric[], numeric) is
'The exchange itself, of tickets that are locked and checked: the i-th of p_old is refunded and names the i-th new one, which is of the i-th of p_new_groups. Released before anything is taken. p_difference: signed NOK, what p_methods and p_amounts pay. 23B01: sold out. May be null: p_cash_point, p_methods, p_amounts.';
