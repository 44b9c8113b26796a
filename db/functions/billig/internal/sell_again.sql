create or replace function billig.sell_again(p_purchase bigint, p_payment bigint, p_tickets bigint[])
returns void
language plpgsql
as $$
declare
    v_ticket billig.ticket;
    v_offer billig.offer;
    v_offers billig.offer[] := array[]::billig.offer[];
begin
    for v_ticket in select t.* from billig.ticket as t where t.ticket = any (p_tickets) order by t.ticket loop
        -- as it was sold, whatever it would be sold as now
        v_offer.price_group := v_ticket.price_group;
        v_offer.ticket_group := v_ticket.ticket_group;
        v_offer.event := v_ticket.event;
        v_offer.organisation := v_ticket.organisation;
        v_offer.project := v_ticket.project;
        v_offer.vat_code := v_ticket.vat_code;
        v_offer.vat_rate := v_ticket.vat_rate;
        v_offer.fee_vat_code := v_ticket.fee_vat_code;
        v_offer.fee_vat_rate := v_ticket.fee_vat_rate;
        v_offer.price := v_ticket.price;
        v_offer.fee := v_ticket.fee;
        v_offer.sold_name := v_ticket.sold_name;
        v_offer.can_be_put_on_card := v_ticket.on_card;
        v_offers := v_offers || v_offer;
    end loop;
    perform billig.new_tickets(
        array[p_purchase], 'NET', billig.local_time(), null, null, p_payment, true, v_offers,
        array_fill(1, array[cardinality(v_offers)]), array(select t from unnest(p_tickets) as t order by t)
    );
end;
$$;

comment on function billig.sell_again(bigint, bigint, bigint[]) is
'Sells web tickets that timed out once more, paid: a new ticket for each, at the price it was sold at, which names it in replaces.';
