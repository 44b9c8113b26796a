create or replace function billig.cancelled_tickets(p_purchase bigint default null, p_ticket bigint default null)
returns table (
    purchase bigint, ticket bigint, event int, event_name text, road text, payment_method text, amount numeric
)
language plpgsql stable security definer
set search_path = pg_catalog, billig, pg_temp
as $$
#variable_conflict use_column
declare
    v_purchase bigint := p_purchase;
begin
    if num_nonnulls(p_purchase, p_ticket) <> 1 then
        raise exception 'a purchase or a ticket is asked for' using
            errcode = '22023',
            detail = format('Purchase %L, ticket %L.', p_purchase, p_ticket),
            hint = 'Pass the one that stands on what the buyer has.';
    end if;
    if p_ticket is not null then
        v_purchase := (select t.purchase from billig.ticket as t where t.ticket = p_ticket);
    end if;
    if not exists (select from billig.purchase as p where p.purchase = v_purchase) then
        raise exception 'no such purchase' using
            errcode = 'P0002',
            detail = format('Purchase %L, ticket %L.', p_purchase, p_ticket),
            hint = 'The numbers stand on the receipt and on the ticket.';
    end if;
    return query
    select w.purchase, w.ticket, e.event, e.event_name::text, w.road, m.payment_method_name::text, w.amount
    from (
        select t.event, array_agg(t.ticket) as tickets
        from billig.ticket as t
        where t.purchase = v_purchase and t.refunded is null and billig.is_cancelled(t.event)
        group by t.event
    ) as c
    inner join billig.event as e on c.event = e.event
    cross join lateral billig.cancellation_of(c.event) as k
    cross join lateral billig.way_back(c.tickets, k.used_tickets) as w
    left join billig.payment_method as m on w.payment_method = m.payment_method
    order by w.ticket, w.payment_method;
end;
$$;

comment on function billig.cancelled_tickets(bigint, bigint) is
'The live tickets of cancelled events in a purchase, found by its number or by that of one of its tickets: what a cashier asks when a buyer comes. A row for each method that a ticket''s money came by: road STAND, a stand pays it back (billig.pay_cancelled); others as billig.way_back says. amount: NOK that is left of it, including the fee. No row: nothing is left, or nothing of it was cancelled. 22023 neither or both named; P0002 no such purchase. May be null: p_purchase, p_ticket, payment_method.';
