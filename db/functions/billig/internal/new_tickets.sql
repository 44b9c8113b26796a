create or replace function billig.new_tickets(
    p_purchases bigint[], p_sale_channel text, p_paid timestamp, p_seller text, p_cash_point int, p_payment bigint,
    p_on_card boolean, p_offers billig.offer[], p_counts int[], p_replaces bigint[],
    p_exchange bigint default null, p_tickets bigint[] default null
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
    v_tickets bigint[];
    v_constraint text;
begin
    foreach v_count in array p_counts loop
        v_wanted := v_wanted + v_count;
    end loop;

    -- Clients choose ids too, by max + 1. A trigger moves the sequence past them; but one that a client chose while the
    -- sequence gave it to us is the client's, and what is missing then gets the next. No id can be held before its ticket
    -- is there; so where others name it before, as what is given back in an exchange does, all of that begins again.
    if p_exchange is not null and p_tickets is null then
        loop
            begin
                v_tickets := array(select nextval('billig.ticket_ticket_seq') from generate_series(1, v_wanted));
                update billig.ticket as t
                set
                    refunded = p_paid, refunder = p_seller, point_of_refund = p_cash_point, payment = p_payment,
                    exchange = p_exchange, replaced_by = v_tickets[array_position(p_replaces, t.ticket)]
                where t.ticket = any (p_replaces);
                return query
                select n.purchase, n.payment, n.ticket, n.price_group, n.price, n.fee
                from billig.new_tickets(
                    p_purchases, p_sale_channel, p_paid, p_seller, p_cash_point, p_payment, p_on_card, p_offers, p_counts,
                    p_replaces, p_exchange, v_tickets
                ) as n;
                return;
            exception
                when unique_violation then
                    get stacked diagnostics v_constraint = constraint_name;
                    if v_constraint <> 'ticket_pkey' then
                        raise;
                    end if;
            end;
        end loop;
    end if;
    loop
        return query
        insert into billig.ticket (
            ticket, price_group, purchase, on_card, paid, sale_channel, seller, cash_point, payment, exchange, replaces,
            ticket_group, event, organisation, project, vat_code, fee_vat_code, price, fee, vat_rate, fee_vat_rate,
            sold_name
        )
        select
            coalesce(p_tickets[o.ordinality], nextval('billig.ticket_ticket_seq')), o.price_group,
            coalesce(p_purchases[o.ordinality], p_purchases[1]), p_on_card and o.can_be_put_on_card, p_paid,
            p_sale_channel, p_seller, p_cash_point, p_payment, p_exchange, p_replaces[o.ordinality],
            o.ticket_group, o.event, o.organisation, o.project, o.vat_code, o.fee_vat_code,
            o.price, o.fee, o.vat_rate, o.fee_vat_rate, o.sold_name
        from unnest(p_offers) with ordinality as o
        cross join generate_series(1, v_missing[o.ordinality])
        on conflict (ticket) do nothing
        returning purchase, payment, ticket, price_group, price, fee;
        get diagnostics v_made = row_count;
        v_wanted := v_wanted - v_made;
        exit when v_wanted = 0;
        if p_tickets is not null then
            raise exception 'a client chose the id of a new ticket' using
                errcode = '23505',
                constraint = 'ticket_pkey',
                detail = format('Among %s.', p_tickets),
                hint = 'Begin again with later ids.';
        end if;
        v_missing := array(
            select
                p_counts[o.ordinality] - (
                    select count(*)
                    from billig.ticket as t
                    where
                        t.purchase = p_purchases[1] and t.price_group = o.price_group and t.refunded is null
                        and t.replaces is not distinct from p_replaces[o.ordinality]
                )::int
            from unnest(p_offers) with ordinality as o
            order by o.ordinality
        );
    end loop;
end;
$$;

comment on function billig.new_tickets(bigint[], text, timestamp, text, int, bigint, boolean, billig.offer[], int[], bigint[], bigint, bigint[]) is
'Makes tickets, and returns them, all in the one purchase of p_purchases, or those of the i-th of p_offers in the i-th (an exchange''s, the first for what has none): of each of p_offers (what they are sold as) as many as p_counts says. A price group stands there once, or else p_replaces beside it names the ticket that each replaces. The one place that makes tickets, and passes over ids which clients chose. p_exchange: what p_replaces names is given back in it first, and the i-th names the i-th new one. p_tickets: ids that are named already; for itself alone; 23505: a client chose one of them. 23B01: sold out. May be null: p_paid, p_seller, p_cash_point, p_payment, p_replaces, p_exchange, p_tickets; payment.';
