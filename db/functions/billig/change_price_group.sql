create or replace function billig.change_price_group(
    p_tickets bigint[],
    p_price_group int,
    p_seller text,
    p_cash_point int default null,
    p_payment_methods text[] default null,
    p_payment_amounts numeric[] default null,
    p_card bigint default null,
    p_request_id text default null
)
returns table (payment bigint, ticket bigint, amount numeric)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_answer jsonb;
    v_ticket billig.ticket;
    v_tickets bigint[] := array[]::bigint[];
    v_differences numeric[] := array[]::numeric[];
    v_purchases bigint[] := array[]::bigint[];
    v_total numeric;
    v_offers billig.offer[];
    v_payment bigint;
    v_cash_point int;
begin
    perform books.check_text('p_seller', p_seller, 'p_request_id', p_request_id);
    p_tickets := books.list('p_tickets', p_tickets);
    p_payment_methods := books.list('p_payment_methods', p_payment_methods);
    p_payment_amounts := books.list('p_payment_amounts', p_payment_amounts);
    p_seller := billig.check_seller(p_seller);
    v_cash_point := billig.till_cash_point(p_seller, p_cash_point);
    if p_request_id is not null then
        v_answer := books.begin_request('billig.change_price_group', p_request_id, jsonb_build_object(
            'p_tickets', p_tickets, 'p_price_group', p_price_group, 'p_seller', p_seller,
            'p_cash_point', p_cash_point, 'p_payment_methods', p_payment_methods,
            'p_payment_amounts', p_payment_amounts, 'p_card', p_card
        ));
        if v_answer is not null then
            return query
            select * from jsonb_to_recordset(v_answer) as r (payment bigint, ticket bigint, amount numeric);
            return;
        end if;
    end if;

    v_offers := array(select o from billig.offer as o where o.price_group = p_price_group);
    perform billig.check_offers(v_offers, array[1], array[p_price_group], false, false, p_card, null);
    for v_ticket in select * from billig.lock_tickets(p_tickets) loop
        if v_ticket.refunded is not null then
            perform billig.refuse_ticket(v_ticket.ticket, '23B10', 'the ticket is refunded already',
                'Nothing was changed.');
        elsif v_ticket.ticket_group <> (v_offers[1]).ticket_group then
            perform billig.refuse_ticket(v_ticket.ticket, '23B08', 'the price group is in another ticket group',
                'Exchange the ticket.');
        elsif v_ticket.charged_back > 0 then
            perform billig.refuse_ticket(v_ticket.ticket, '23B12', 'the ticket''s payment was charged back',
                'Sell a new ticket, or record that the dispute was won.');
        elsif v_ticket.reduced > (v_offers[1]).price then
            perform billig.refuse_ticket(v_ticket.ticket, '23B31',
                'the new price is less than what was given back of the old', 'Refund the ticket.');
        elsif v_ticket.price_group = p_price_group then
            perform billig.refuse_ticket(v_ticket.ticket, '22023', 'the ticket is in that price group already',
                'Nothing was changed.');
        end if;
        v_tickets := v_tickets || v_ticket.ticket;
        v_purchases := v_purchases || v_ticket.purchase;
        v_differences := v_differences
            || case when v_ticket.paid is null then 0 else (v_offers[1]).price - v_ticket.price end;
    end loop;

    v_total := (select sum(d) from unnest(v_differences) as d);
    v_payment := billig.new_payment(
        'CHANGE',
        (select case when count(distinct p) = 1 then min(p) end from unnest(v_purchases) as p),
        null, p_seller, v_cash_point, 'FUNCTION', null, null, false, p_payment_methods, p_payment_amounts, v_total
    );
    if v_total < 0 then -- those that became cheaper are paid back, less what the others cost more
        perform billig.repay(
            array_agg(v_payment), array_agg(b.gives_back), array_agg(b.payment_method), array_agg(b.amount),
            p_payment_methods, p_payment_amounts
        )
        from billig.paid_back(v_tickets, array(select least(d, 0) from unnest(v_differences) as d), v_total) as b;
    end if;
    update billig.ticket as t
    set price_group = p_price_group, payment = v_payment
    where t.ticket = any (v_tickets);

    v_answer := billig.payment_answer(array[v_payment]);
    if p_request_id is not null then
        perform books.end_request('billig.change_price_group', p_request_id, v_answer);
    end if;
    return query
    select * from jsonb_to_recordset(v_answer) as r (payment bigint, ticket bigint, amount numeric);
end;
$$;

comment on function billig.change_price_group(bigint[], int, text, int, text[], numeric[], bigint, text) is
'Moves tickets to another price group of their ticket group: one row per ticket. Paid: logged as NORMAL_CHANGE, amount the difference in NOK, positive when the buyer pays (p_payment_amounts signed likewise; paid back by the payments and methods that were paid with, p_payment_methods choose among those). An unpaid reservation: RESERVATION_CHANGE, no money. The fee is today''s. The log has two rows where a VAT rate or the fee''s VAT code is another than before: the old out, the new in. 22023; P0002; 23B02; 23B04; 23B06; 23B08 other ticket group, or the event''s VAT code or project changed; 23B10; 23B12 unpaid web ticket, or charged back; 23B13; 23B26 no till session is open; 23B31 more was given back than the new price, or more would go back by a method than came in by it; 42501.';
