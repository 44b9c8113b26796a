create or replace function billig.ticket_exchange(
    p_old_tickets bigint[],
    p_price_groups int[],
    p_counts int[],
    p_seller text,
    p_cash_point int default null,
    p_payment_methods text[] default null,
    p_payment_amounts numeric[] default null,
    p_card bigint default null,
    p_request_id text default null
)
returns table (
    exchange bigint, payment bigint, old_ticket bigint, new_ticket bigint, price_group int, amount numeric
)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    v_answer jsonb;
    v_old billig.ticket[];
    v_offers billig.offer[];
    v_new_groups int[];
    v_new bigint[];
    v_exchange bigint;
    v_payment bigint;
    v_cash_point int;
    v_difference numeric;
begin
    perform books.check_text('p_seller', p_seller, 'p_request_id', p_request_id);
    p_old_tickets := books.list('p_old_tickets', p_old_tickets);
    p_price_groups := books.list('p_price_groups', p_price_groups);
    p_counts := books.list('p_counts', p_counts);
    p_payment_methods := books.list('p_payment_methods', p_payment_methods);
    p_payment_amounts := books.list('p_payment_amounts', p_payment_amounts);
    p_seller := billig.check_seller(p_seller);
    v_cash_point := billig.till_cash_point(p_seller, p_cash_point);
    if
        coalesce(cardinality(p_price_groups), 0) = 0
        or cardinality(p_price_groups) is distinct from cardinality(p_counts)
        or (select bool_or(c <= 0 or c is null) from unnest(p_counts) as c)
        or (select count(*) <> count(distinct g) from unnest(p_price_groups) as g)
        or (select count(*) <> count(distinct t) from unnest(p_old_tickets) as t)
    then
        raise exception 'tickets, price groups and counts do not pair up' using
            errcode = '22023',
            detail = format('Tickets %s, price groups %s, counts %s.', p_old_tickets, p_price_groups, p_counts),
            hint = 'Name each ticket and each price group once, with one count, over 0, for each price group.';
    end if;
    if p_request_id is not null then
        v_answer := books.begin_request('billig.ticket_exchange', p_request_id, jsonb_build_object(
            'p_old_tickets', p_old_tickets, 'p_price_groups', p_price_groups, 'p_counts', p_counts,
            'p_seller', p_seller, 'p_cash_point', p_cash_point, 'p_payment_methods', p_payment_methods,
            'p_payment_amounts', p_payment_amounts, 'p_card', p_card
        ));
        if v_answer is not null then
            return query
            select *
            from jsonb_to_recordset(v_answer) as r (
                exchange bigint, payment bigint, old_ticket bigint, new_ticket bigint, price_group int, amount numeric
            );
            return;
        end if;
    end if;

    -- Locks in key order: the tickets, then all groups on both sides; only then is anything released or taken.
    v_old := array(
        select t
        from billig.lock_tickets(p_old_tickets) as t
        order by array_position(p_old_tickets, t.ticket)
    );
    perform billig.check_exchangeable(v_old);
    select array_agg(o order by array_position(p_price_groups, o.price_group))
    into v_offers
    from billig.offer as o
    where o.price_group = any (p_price_groups);
    perform billig.check_offers(v_offers, p_counts, p_price_groups, false, false, p_card, null);
    perform billig.lock_capacity(array(
        select o.ticket_group from unnest(v_old) as o
        union
        select f.ticket_group from unnest(v_offers) as f
    ));

    v_new_groups := array(
        select w.price_group
        from unnest(p_price_groups, p_counts) with ordinality as w (price_group, tickets, position)
        cross join generate_series(1, w.tickets)
        order by w.position
    );
    v_difference := (
        select sum(f.price)
        from unnest(v_new_groups) as g (price_group)
        inner join unnest(v_offers) as f on g.price_group = f.price_group
    ) - (select sum(o.price - o.reduced) from unnest(v_old) as o); -- nothing of them is charged back
    select x.exchange, x.payment, x.new_tickets into v_exchange, v_payment, v_new
    from billig.make_exchange(
        v_old, v_offers, v_new_groups, p_seller, v_cash_point, p_card is not null,
        p_payment_methods, p_payment_amounts, v_difference
    ) as x;

    v_answer := (
        select jsonb_agg(
            jsonb_build_object(
                'exchange', v_exchange, 'payment', v_payment, 'old_ticket', p.old_ticket, 'new_ticket', p.new_ticket,
                'price_group', p.price_group,
                'amount', coalesce(n.price, 0) - coalesce(o.price - o.reduced, 0)
            ) order by p.position
        )
        from unnest(p_old_tickets, v_new, v_new_groups) with ordinality
            as p (old_ticket, new_ticket, price_group, position)
        left join billig.ticket as o on p.old_ticket = o.ticket
        left join billig.ticket as n on p.new_ticket = n.ticket
    );
    if p_request_id is not null then
        perform books.end_request('billig.ticket_exchange', p_request_id, v_answer);
    end if;
    return query
    select *
    from jsonb_to_recordset(v_answer) as r (
        exchange bigint, payment bigint, old_ticket bigint, new_ticket bigint, price_group int, amount numeric
    );
end;
$$;

comment on function billig.ticket_exchange(bigint[], int[], int[], text, int, text[], numeric[], bigint, text) is
'Gives paid tickets back for new ones, in any group of any event (T6), n for m: one row per pair, the i-th old with the i-th new, null where one side has no more. amount: NOK of the pair, positive when the buyer pays: the new price less what was left of the old. The difference of all is paid by p_payment_methods (p_payment_amounts signed as the difference), and paid back by the payments and methods that the old were paid with, among which p_payment_methods choose. The i-th new stays in the i-th old''s purchase. 22023; P0002; 23B01 sold out; 23B02; 23B04; 23B05; 23B06; 23B10 refunded already; 23B11 used; 23B12 not paid, or charged back; 23B13; 23B26 no till session is open; 23B31 more would go back by a method than came in by it; 42501. May be null: old_ticket, new_ticket, price_group.';
