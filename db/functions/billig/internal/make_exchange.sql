create or replace function billig.make_exchange(
    p_old billig.ticket[], p_offers billig.offer[], p_new_groups int[], p_seller text, p_cash_point int,
    p_on_card boolean, p_methods text[], p_amounts numeric[], p_difference numeric,
    out exchange bigint, out payment bigint, out new_tickets bigint[]
)
language plpgsql
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    v_old constant bigint[] := array(select o.ticket from unnest(p_old) with ordinality as o order by o.ordinality);
    v_left constant numeric[] := array(
        select o.price - o.reduced from unnest(p_old) with ordinality as o order by o.ordinality -- nothing is charged back
    );
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
    if p_difference < 0 then -- in proportion to what is left of the old
        perform billig.repay(
            array_agg(payment), array_agg(b.gives_back), array_agg(b.payment_method), array_agg(b.amount), p_methods, p_amounts
        )
        from billig.paid_back(v_old, v_left, p_difference) as b;
    end if;
    insert into billig.exchange_source (payment, gives_back, payment_method, amount)
    with source as (
        select s.gives_back, s.payment_method, sum(s.amount) as amount
        from (
            select coalesce(w.gives_back, payment) as gives_back, w.payment_method, w.amount
            from billig.paid_with(v_old, array_fill(payment, array[cardinality(v_old)]), v_left) as w
            union all
            select
                coalesce(l.gives_back, l.payment),
                coalesce(l.gives_back_method, case when m.is_rounding then c.payment_method else m.payment_method end),
                l.amount
            from billig.payment_line as l
            inner join billig.payment_method as m on l.payment_method = m.payment_method
            inner join billig.payment_method as c on c.is_cash
            where l.payment = make_exchange.payment
        ) as s
        group by s.gives_back, s.payment_method
    )

    -- Where more went back by a road than the old tickets had there (methods that somebody chose), the rest has less.
    select payment, s.gives_back, s.payment_method, s.part
    from (
        select
            r.gives_back, r.payment_method,
            books.share_of(
                (select sum(a.amount) from source as a), sum(r.amount) over (order by r.gives_back, r.payment_method),
                r.amount, sum(r.amount) over ()
            ) as part
        from source as r
        where r.amount > 0
    ) as s
    where s.part > 0;
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
            v_old, exchange
        ) as n
        order by n.ticket
    );
end;
$$;

comment on function billig.make_exchange(billig.ticket[], billig.offer[], int[], text, int, boolean, text[], numeric[], numeric) is
'The exchange itself, of tickets that are locked and checked: the i-th of p_old is refunded and names the i-th new one, which is of the i-th of p_new_groups. Released before anything is taken. p_difference: signed NOK, what p_methods and p_amounts pay, or by which it goes back. What the new are paid with is kept (billig.exchange_source). 23B01: sold out. May be null: p_cash_point, p_methods, p_amounts.';
