create or replace function billig.cancel_reservation(
    p_purchase bigint, p_seller text default null, p_tickets bigint[] default null, p_request_id text default null
)
returns table (ticket bigint)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_answer jsonb;
    v_tickets bigint[];
begin
    perform books.check_text('p_seller', p_seller, 'p_request_id', p_request_id);
    p_tickets := books.list('p_tickets', p_tickets);
    if p_seller is null then
        perform billig.check_web();
    else
        p_seller := billig.check_seller(p_seller);
    end if;
    if p_request_id is not null then
        v_answer := books.begin_request('billig.cancel_reservation', p_request_id, jsonb_build_object(
            'p_purchase', p_purchase, 'p_seller', p_seller, 'p_tickets', p_tickets
        ));
        if v_answer is not null then
            return query
            select x::bigint from jsonb_array_elements_text(v_answer) as x;
            return;
        end if;
    end if;

    perform billig.lock_purchase(p_purchase);
    v_tickets := billig.reserved_tickets(p_purchase, p_tickets);
    update billig.ticket as t
    set refunded = billig.local_time(), refunder = coalesce(p_seller, session_user)
    where t.ticket = any (v_tickets);

    if p_request_id is not null then
        perform books.end_request('billig.cancel_reservation', p_request_id, to_jsonb(v_tickets));
    end if;
    return query
    select unnest(v_tickets);
end;
$$;

comment on function billig.cancel_reservation(bigint, text, bigint[], text) is
'Gives a reservation back, or p_tickets of it: one row per ticket, logged as RESERVATION_REFUND. p_seller null: the buyer, on the web. P0002; 23B12 nothing of it is reserved; 23B13; 42501.';
