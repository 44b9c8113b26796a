create or replace function billig.pay_reservation(
    p_purchase bigint,
    p_seller text,
    p_cash_point int default null,
    p_payment_methods text[] default null,
    p_payment_amounts numeric[] default null,
    p_tickets bigint[] default null,
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
    v_tickets bigint[];
    v_total numeric;
    v_payment bigint;
    v_cash_point int;
begin
    perform books.check_text('p_seller', p_seller, 'p_request_id', p_request_id);
    p_payment_methods := books.list('p_payment_methods', p_payment_methods);
    p_payment_amounts := books.list('p_payment_amounts', p_payment_amounts);
    p_tickets := books.list('p_tickets', p_tickets);
    p_seller := billig.check_seller(p_seller);
    v_cash_point := billig.till_cash_point(p_seller, p_cash_point);
    if p_request_id is not null then
        v_answer := books.begin_request('billig.pay_reservation', p_request_id, jsonb_build_object(
            'p_purchase', p_purchase, 'p_seller', p_seller, 'p_cash_point', p_cash_point,
            'p_payment_methods', p_payment_methods, 'p_payment_amounts', p_payment_amounts, 'p_tickets', p_tickets
        ));
        if v_answer is not null then
            return query
            select * from jsonb_to_recordset(v_answer) as r (payment bigint, ticket bigint, amount numeric);
            return;
        end if;
    end if;

    perform billig.lock_purchase(p_purchase);
    v_tickets := billig.reserved_tickets(p_purchase, p_tickets);
    select sum(t.price) into v_total from billig.ticket as t where t.ticket = any (v_tickets);
    v_payment := billig.new_payment(
        'SALE', p_purchase, null, p_seller, v_cash_point, 'FUNCTION', null, null, false,
        p_payment_methods, p_payment_amounts, v_total
    );
    update billig.ticket as t
    set paid = billig.local_time(), payment = v_payment
    where t.ticket = any (v_tickets);

    if p_request_id is not null then
        perform books.end_request('billig.pay_reservation', p_request_id, billig.payment_answer(array[v_payment]));
    end if;
    return query
    select * from jsonb_to_recordset(billig.payment_answer(array[v_payment])) as r (payment bigint, ticket bigint, amount numeric);
end;
$$;

comment on function billig.pay_reservation(bigint, text, int, text[], numeric[], bigint[], text) is
'Takes payment for a reservation, or for p_tickets of it: one row per ticket, logged as RESERVATION_PAID; amount the ticket''s price in NOK. P0002; 22023; 23B06; 23B12 nothing of it is reserved; 23B13; 23B26 no till session is open; 42501.';
