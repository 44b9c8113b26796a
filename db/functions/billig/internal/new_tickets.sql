create or replace function billig.new_tickets(
    p_purchase bigint, p_sale_channel text, p_paid timestamp, p_seller text, p_cash_point int, p_payment bigint,
    p_on_card boolean, p_offers billig.offer[], p_counts int[], p_replaces bigint[]
)
returns table (purchase bigint, payment bigint, ticket bigint, price_group int, price numeric, fee numeric)
language plpgsql
as $$
#variable_conflict use_column
declare
    v_missing int[] := p_counts;
    v_wanted int := 0;
    v_made int;
    v_count int;
begin
    foreach v_count in array p_counts loop
        v_wanted := v_wanted + v_count;
    end loop;

    -- Clients choose ids too, by max + 1. A trigger moves the sequence past them; but one that a client chose while the
    -- sequence gave it to us is the client's, and what is missing then gets the next.
    loop
        return query
        insert into billig.ticket (
            price_group, purchase, on_card, paid, sale_channel, seller, cash_point, payment, replaces,
            ticket_group, event, organisation, project, vat_code, fee_vat_code, price, fee, vat_rate, fee_vat_rate,
            sold_name
        )
        select
            o.price_group, p_purchase, p_on_card and o.can_be_put_on_card, p_paid,
            p_sale_channel, p_seller, p_cash_point, p_payment, p_replaces[o.ordinality],
            o.ticket_group, o.event, o.organisation, o.project, o.vat_code, o.fee_vat_code,
            o.price, o.fee, o.vat_rate, o.fee_vat_rate, o.sold_name
        from unnest(p_offers) with ordinality as o
        cross join generate_series(1, v_missing[o.ordinality])
        on conflict (ticket) do nothing
        returning purchase, payment, ticket, price_group, price, fee;
        get diagnostics v_made = row_count;
        v_wanted := v_wanted - v_made;
        exit when v_wanted = 0;
        v_missing := array(
            select
                p_counts[o.ordinality] - (
                    select count(*)
                    from billig.ticket as t
                    where
                        t.purchase = p_purchase and t.price_group = o.price_group and t.refunded is null
                        and t.replaces is not distinct from p_replaces[o.ordinality]
                )::int
            from unnest(p_offers) with ordinality as o
            order by o.ordinality
        );
    end loop;
end;
$$;

comment on function billig.new_tickets(bigint, text, timestamp, text, int, bigint, boolean, billig.offer[], int[], bigint[]) is
'Makes the tickets of a purchase, and returns them: of each of p_offers (what they are sold as) as many as p_counts says. A price group stands there once, or else p_replaces beside it names the ticket that each replaces. The one place that passes over ids which clients chose; an exchange, whose tickets name each other, does it by beginning again. 23B01: sold out. May be null: p_paid, p_seller, p_cash_point, p_payment, p_replaces; payment.';
