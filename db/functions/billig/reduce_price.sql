create or replace function billig.reduce_price(
    p_tickets bigint[],
    p_amounts numeric[],
    p_seller text,
    p_reason text,
    p_cash_point int default null,
    p_payment_methods text[] default null,
    p_payment_amounts numeric[] default null,
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
    v_amounts numeric[];
    v_lines numeric[];
    v_payments bigint[];
begin
    perform books.check_text('p_seller', p_seller, 'p_reason', p_reason, 'p_request_id', p_request_id);
    p_tickets := books.list('p_tickets', p_tickets);
    p_amounts := books.list('p_amounts', p_amounts);
    p_payment_methods := books.list('p_payment_methods', p_payment_methods);
    p_payment_amounts := books.list('p_payment_amounts', p_payment_amounts);
    if p_payment_amounts is not null then
        v_lines := array(select -a from unnest(p_payment_amounts) as a);
    end if;
    p_seller := billig.check_seller(p_seller);
    perform billig.till_cash_point(p_seller, p_cash_point);
    if coalesce(p_reason, '') !~ '[^[:space:]]' then
        raise exception 'giving back a part of the price needs a reason' using
            errcode = '22023',
            detail = 'p_reason is null or blank.',
            hint = 'Say why in p_reason; it is kept with the payment.';
    end if;
    if p_request_id is not null then
        v_answer := books.begin_request('billig.reduce_price', p_request_id, jsonb_build_object(
            'p_tickets', p_tickets, 'p_amounts', p_amounts, 'p_seller', p_seller, 'p_reason', p_reason,
            'p_cash_point', p_cash_point, 'p_payment_methods', p_payment_methods, 'p_payment_amounts', p_payment_amounts
        ));
        if v_answer is not null then
            return query
            select * from jsonb_to_recordset(v_answer) as r (payment bigint, ticket bigint, amount numeric);
            return;
        end if;
    end if;

    v_amounts := billig.amounts_of(p_tickets, p_amounts, 'p_amounts', 0.01);
    perform case
        when t.refunded is not null
            then billig.refuse_ticket(t.ticket, '23B10', 'the ticket is refunded already', 'Nothing was changed.')
        when t.paid is null
            then billig.refuse_ticket(t.ticket, '23B12', 'the ticket is not paid', 'Take payment first.')
        when k.amount > l.amount
            then billig.refuse_ticket(t.ticket, '23B31', 'more would be given back than is left of the price',
                format('At most NOK %s.', l.amount))
    end
    from billig.lock_tickets(p_tickets) as t
    left join unnest(p_tickets, v_amounts) as k (ticket, amount) on t.ticket = k.ticket -- never empty before it locks
    cross join lateral billig.left_of(
        t.paid is not null, t.refunded is not null, t.price, t.reduced, t.charged_back, t.kept
    ) as l (amount)
    order by t.ticket;
    v_payments := billig.make_repayments(
        'REDUCTION', p_tickets, array(select -a from unnest(v_amounts) as a), p_seller, p_cash_point, 'FUNCTION', p_reason,
        false, p_payment_methods, v_lines
    );
    v_answer := billig.payment_answer(v_payments);
    if p_request_id is not null then
        perform books.end_request('billig.reduce_price', p_request_id, v_answer);
    end if;
    return query
    select * from jsonb_to_recordset(v_answer) as r (payment bigint, ticket bigint, amount numeric);
end;
$$;

comment on function billig.reduce_price(bigint[], numeric[], text, text, int, text[], numeric[], text) is
'Gives back a part of the price of paid tickets, which stay what they are: one row per ticket, logged as PRICE_REDUCTION, amount negative NOK; the ticket''s part first, then the fee''s. p_amounts: positive NOK of each of p_tickets, in their order, or one amount for each of them. p_reason is kept with the payment. By which payments and methods, and where, as refund; p_payment_methods, and p_payment_amounts in positive NOK, likewise. What is refunded later is the rest. Cash goes back in whole kroner, rounded for all that is one whole with it (billig.tied_payments): many small reductions come to what one would. 22023; P0002 no such ticket; 23B06; 23B10 refunded; 23B12 not paid; 23B13; 23B26 no till session is open; 23B31 more than is left, of a ticket or by a method; 42501.';
