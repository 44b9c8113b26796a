create or replace function billig.show_purchase(p_purchase bigint, p_key uuid)
returns table (
    purchase bigint, purchase_time timestamptz, owner_member_id int, owner_email text, ticket bigint, event int,
    event_name text, event_location text, event_time timestamp, ticket_group_name text, price_group int,
    price_group_name text, price numeric, fee numeric, sale_channel text, on_card boolean, paid timestamp,
    used timestamp, refunded timestamp
)
language plpgsql stable security definer
set search_path = pg_catalog, billig, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select
        p.purchase, p.purchase_time::timestamptz, p.owner_member_id, p.owner_email::text, t.ticket, t.event,
        n.event_name::text, e.event_location::text, e.event_time::timestamp, n.ticket_group_name::text, t.price_group,
        n.price_group_name::text, t.price, t.fee, t.sale_channel::text, t.on_card, t.paid,
        t.used, t.refunded
    from billig.purchase as p
    left join billig.ticket as t on p.purchase = t.purchase
    left join billig.event as e on t.event = e.event
    left join billig.sold_name as n on t.sold_name = n.sold_name
    where p.purchase = p_purchase and billig.has_key(p.purchase, p_key)
    order by t.ticket;
    if not found then
        raise exception 'no such purchase' using
            errcode = 'P0002',
            detail = format('Purchase %s, with that key.', p_purchase),
            hint = 'create_purchase gives number and key; a buyer who was erased has another key.';
    end if;
end;
$$;

comment on function billig.show_purchase(bigint, uuid) is
'One purchase, to who has its key: one row per ticket, in the order of their numbers; one row without a ticket where it has none. Names as sold; price: NOK including VAT, all that the ticket costs; fee: the part of it that is a fee. Times are local. P0002: no such purchase, or another key; which of the two is not said. May be null: owner_member_id, owner_email, ticket, event, event_name, event_location, event_time, ticket_group_name, price_group, price_group_name, price, fee, sale_channel, on_card, paid, used, refunded.';
