create or replace function billig.make_exchange(
    p_old billig.ticket[], p_offers billig.offer[], p_new_groups int[], p_seller text, p_cash_point int,
    p_on_card boolean, p_methods text[], p_amounts numeric[], p_difference numeric,
    out exchange bigint, out payment bigint, out new_tickets bigint[]
)
language plpgsql
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    v_old_tickets constant bigint[] := array(select o.ticket from unnest(p_old) with ordinality as o order by o.ordinality);
    v_exchange bigint;
    v_payment bigint;
    v_new bigint[];
    v_constraint text;
begin
    loop
        begin
            insert into billig.exchange (seller) values (p_seller) returning exchange into v_exchange;
            v_payment := billig.new_payment(
                'EXCHANGE',
                (
                    select case when count(distinct o.purchase) = 1 then min(o.purchase) end
                    from unnest(p_old) as o
                ),
                v_exchange, p_seller, p_cash_point, 'FUNCTION', null, null, false, p_methods, p_amounts, p_difference
            );
            v_new := array(
                select nextval('billig.ticket_ticket_seq') from generate_series(1, cardinality(p_new_groups))
            );

            update billig.ticket as t
            set
                refunded = billig.local_time(), refunder = p_seller, point_of_refund = p_cash_point,
                payment = v_payment, exchange = v_exchange,
                replaced_by = v_new[array_position(v_old_tickets, t.ticket)]
            where t.ticket = any (v_old_tickets);

            insert into billig.ticket (
                ticket, price_group, purchase, on_card, paid, sale_channel, seller, cash_point, payment, exchange,
                replaces, ticket_group, event, organisation, project, vat_code, fee_vat_code, price, fee, vat_rate,
                fee_vat_rate, sold_name
            )
            select
                v_new[g.position], g.price_group,
                coalesce((p_old[g.position]).purchase, (p_old[1]).purchase),
                p_on_card and f.can_be_put_on_card,
                billig.local_time(), 'STAND', p_seller, p_cash_point, v_payment, v_exchange,
                (p_old[g.position]).ticket, f.ticket_group, f.event, f.organisation, f.project, f.vat_code,
                f.fee_vat_code, f.price, f.fee, f.vat_rate, f.fee_vat_rate, f.sold_name
            from unnest(p_new_groups) with ordinality as g (price_group, position)
            inner join unnest(p_offers) as f on g.price_group = f.price_group;
            exit;
        exception
            when unique_violation then
                -- An id that a client chose: once more, with later ids.
                get stacked diagnostics v_constraint = constraint_name;
                if v_constraint <> 'ticket_pkey' then
                    raise;
                end if;
        end;
    end loop;
    exchange := v_exchange;
    payment := v_payment;
    new_tickets := v_new;
end;
$$;

comment on function billig.make_exchange(billig.ticket[], billig.offer[], int[], text, int, boolean, text[], numeric[], numeric) is
'The exchange itself, of tickets that are locked and checked: the i-th of p_old is refunded and names the i-th new one, which is of the i-th of p_new_groups. Released before anything is taken. p_difference: signed NOK, what p_methods and p_amounts pay. 23B01: sold out. May be null: p_cash_point, p_methods, p_amounts.';
