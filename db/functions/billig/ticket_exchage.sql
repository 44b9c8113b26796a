create or replace function billig.ticket_exchage(
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
language sql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
begin atomic
    select e.exchange, e.payment, e.old_ticket, e.new_ticket, e.price_group, e.amount
    from billig.ticket_exchange(
        p_old_tickets, p_price_groups, p_counts, p_seller, p_cash_point, p_payment_methods, p_payment_amounts,
        p_card, p_request_id
    ) as e;
end;

comment on function billig.ticket_exchage(bigint[], int[], int[], text, int, text[], numeric[], bigint, text) is
'ticket_exchange, as legacy code spells it (T6). May be null: old_ticket, new_ticket, price_group.';
