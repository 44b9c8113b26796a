create or replace function billig.new_tickets(
    p_purchase bigint, p_sale_channel text, p_paid timestamp, p_seller text, p_cash_point int, p_payment bigint,
    p_on_card boolean, p_offers billig.offer[], p_counts int[], p_replaces bigint[]
)
returns void
language plpgsql
set plan_cache_mode = force_generic_plan
as $$
declare
    v_todo int[] := array(
        select c.place
        from unnest(p_counts) with ordinality as c (tickets, place)
        cross join generate_series(1, c.tickets)
        order by c.place
    );
    v_ids bigint[];
    v_made bigint[];
begin
    -- Clients choose ids too, by max + 1. A trigger moves the sequence past them; but one that a client chose while the
    -- sequence gave it to us is the client's, and we take the next.
    loop
        v_ids := array(select nextval('billig.ticket_ticket_seq') from unnest(v_todo));
        with made as (
            insert into billig.ticket (
                ticket, price_group, purchase, on_card, paid, sale_channel, seller, cash_point, payment, replaces,
                ticket_group, event, organisation, project, vat_code, fee_vat_code, price, fee, vat_rate, fee_vat_rate
            )
            select
                w.ticket, o.price_group, p_purchase, p_on_card and o.can_be_put_on_card, p_paid, p_sale_channel,
                p_seller, p_cash_point, p_payment, p_replaces[w.place],
                o.ticket_group, o.event, o.organisation, o.project, o.vat_code, o.fee_vat_code,
                o.price, o.fee, o.vat_rate, o.fee_vat_rate
            from unnest(v_todo, v_ids) as w (place, ticket)
            inner join unnest(p_offers) with ordinality as o on w.place = o.ordinality
            order by w.ticket
            on conflict (ticket) do nothing
            returning ticket
        )

        select array_agg(ticket) into v_made from made;
        exit when cardinality(v_made) = cardinality(v_todo);
        v_todo := array(
            select w.place
            from unnest(v_todo, v_ids) as w (place, ticket)
            where w.ticket <> all (coalesce(v_made, '{}'))
        );
    end loop;
end;
$$;

comment on function billig.new_tickets(bigint, text, timestamp, text, int, bigint, boolean, billig.offer[], int[], bigint[]) is
'Makes the tickets of a purchase: of each of p_offers (what they are sold as) as many as p_counts says, in that order, p_replaces beside it naming the ticket that it replaces, where it does. The one place that passes over ids which clients chose; an exchange, whose tickets name each other, does it by beginning again. 23B01: sold out. May be null: p_paid, p_seller, p_cash_point, p_payment, p_replaces.';
