create or replace function billig.cancel_reservation(
    p_purchase bigint, p_seller text default null, p_tickets bigint[] default null
)
returns table (ticket bigint)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
#variable_conflict use_column
declare
    v_tickets bigint[];
begin
    if p_seller is null then
        perform billig.check_web();
    else
        perform billig.check_seller(p_seller);
    end if;
    perform billig.lock_purchase(p_purchase);
    v_tickets := billig.reserved_tickets(p_purchase, p_tickets);
    return query
    update billig.ticket as t
    set refunded = billig.local_time(), refunder = coalesce(p_seller, session_user)
    where t.ticket = any (v_tickets)
    returning t.ticket;
end;
$$;

comment on function billig.cancel_reservation(bigint, text, bigint[]) is
'Gives a reservation back, or p_tickets of it: one row a ticket, logged as RESERVATION_REFUND. p_seller null: the buyer, on the web. P0002; 23B12 nothing of it is reserved; 42501.';
