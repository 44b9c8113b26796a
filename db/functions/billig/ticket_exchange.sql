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
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    v_answer jsonb;
    v_old billig.ticket[];
    v_bad billig.ticket;
    v_offers billig.offer[];
    v_new_groups int[];
    v_new bigint[];
    v_exchange bigint;
    v_payment bigint;
    v_cash_point int;
    v_difference numeric;
    v_methods text[] := p_payment_methods;
    v_amounts numeric[] := p_payment_amounts;
    v_constraint text;
begin
    perform billig.check_seller(p_seller);
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
        v_answer := billig.begin_request('ticket_exchange', p_request_id, row(
            p_old_tickets, p_price_groups, p_counts, p_seller, p_cash_point, p_payment_methods, p_payment_amounts,
            p_card
        )::text);
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
    foreach v_bad in array v_old loop
        if v_bad.refunded is not null then
            perform billig.refuse_ticket(
                v_bad.ticket, '23B10', 'the ticket is refunded already', 'Nothing was changed.');
        elsif v_bad.paid is null then
            perform billig.refuse_ticket(v_bad.ticket, '23B12', 'the ticket is not paid',
                'Change the reservation, or abort the web purchase.');
        elsif v_bad.used is not null then
            perform billig.refuse_ticket(v_bad.ticket, '23B11', 'the ticket is used', 'A used ticket is not exchanged.');
        end if;
    end loop;
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
        select sum(f.price + f.fee)
        from unnest(v_new_groups) as g (price_group)
        inner join unnest(v_offers) as f on g.price_group = f.price_group
    ) - (select sum(o.price + o.fee) from unnest(v_old) as o);
    if v_methods is null and v_amounts is null and v_difference < 0 then
        -- paid back by what the old tickets were paid with
        select array_agg(m.payment_method_name), array_agg(w.amount)
        into v_methods, v_amounts
        from (
            select
                array_agg(s.ticket) as tickets, array_agg(0::bigint) as keys,
                array_agg(s.part + case when s.position = 1 then v_difference - s.total else 0 end) as amounts
            from (
                select
                    o.ticket, row_number() over () as position,
                    round(v_difference * (o.price + o.fee) / sum(o.price + o.fee) over (), 2) as part,
                    sum(round(v_difference * (o.price + o.fee) / (
                        select sum(x.price + x.fee) from unnest(v_old) as x
                    ), 2)) over () as total
                from unnest(v_old) as o
            ) as s
        ) as a
        cross join billig.paid_with(a.tickets, a.keys, a.amounts) as w
        inner join billig.payment_method as m on w.payment_method = m.payment_method
        where w.amount <> 0;
    end if;

    loop
        begin
            insert into billig.exchange (seller) values (p_seller) returning exchange into v_exchange;
            v_payment := billig.new_payment(
                'EXCHANGE',
                (
                    select case when count(distinct o.purchase) = 1 then min(o.purchase) end
                    from unnest(v_old) as o
                ),
                v_exchange, p_seller, v_cash_point, 'FUNCTION', null, null, false, v_methods, v_amounts, v_difference
            );
            v_new := array(
                select nextval('billig.ticket_ticket_seq') from generate_series(1, cardinality(v_new_groups))
            );

            update billig.ticket as t
            set
                refunded = billig.local_time(), refunder = p_seller, point_of_refund = v_cash_point,
                payment = v_payment, exchange = v_exchange,
                replaced_by = v_new[array_position(p_old_tickets, t.ticket)]
            where t.ticket = any (p_old_tickets);

            insert into billig.ticket (
                ticket, price_group, purchase, on_card, paid, sale_channel, seller, cash_point, payment, exchange,
                replaces, ticket_group, event, organisation, project, vat_code, fee_vat_code, price, fee, vat_rate,
                fee_vat_rate
            )
            select
                v_new[g.position], g.price_group,
                coalesce((v_old[g.position]).purchase, (v_old[1]).purchase),
                p_card is not null and f.can_be_put_on_card,
                billig.local_time(), 'STAND', p_seller, v_cash_point, v_payment, v_exchange,
                (v_old[g.position]).ticket, f.ticket_group, f.event, f.organisation, f.project, f.vat_code,
                f.fee_vat_code, f.price, f.fee, f.vat_rate, f.fee_vat_rate
            from unnest(v_new_groups) with ordinality as g (price_group, position)
            inner join unnest(v_offers) as f on g.price_group = f.price_group;
            exit;
        exception
            when unique_violation then
                -- An id that a client chose: once more, with later ids.
                get stacked diagnostics v_constraint = constraint_name;
                if v_constraint <> 'ticket_pkey' then
                    raise;
                end if;
        end;
    end loop;

    v_answer := (
        select jsonb_agg(
            jsonb_build_object(
                'exchange', v_exchange, 'payment', v_payment, 'old_ticket', p.old_ticket, 'new_ticket', p.new_ticket,
                'price_group', p.price_group,
                'amount', coalesce(n.price + n.fee, 0) - coalesce(o.price + o.fee, 0)
            ) order by p.position
        )
        from unnest(p_old_tickets, v_new, v_new_groups) with ordinality
            as p (old_ticket, new_ticket, price_group, position)
        left join billig.ticket as o on p.old_ticket = o.ticket
        left join billig.ticket as n on p.new_ticket = n.ticket
    );
    if p_request_id is not null then
        perform billig.end_request('ticket_exchange', p_request_id, v_answer);
    end if;
    return query
    select *
    from jsonb_to_recordset(v_answer) as r (
        exchange bigint, payment bigint, old_ticket bigint, new_ticket bigint, price_group int, amount numeric
    );
end;
$$;

comment on function billig.ticket_exchange(bigint[], int[], int[], text, int, text[], numeric[], bigint, text) is
'Gives paid tickets back for new ones, in any group of any event (T6), n for m: one row a pair, the i-th old with the i-th new, null where one side has no more. amount: NOK of the pair, positive when the buyer pays. The difference of all is paid by p_payment_methods (p_payment_amounts signed as the difference), and paid back by what the old were paid with where none is named. The i-th new stays in the i-th old''s purchase. 22023; P0002; 23B01 sold out; 23B02; 23B04; 23B05; 23B06; 23B10 refunded already; 23B11 used; 23B12 not paid; 23B13; 23B26 no till session is open; 42501. May be null: old_ticket, new_ticket, price_group.';
