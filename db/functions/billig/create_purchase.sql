create or replace function billig.create_purchase(
    p_sale_channel text,
    p_price_groups int[],
    p_counts int[],
    p_seller text default null,
    p_cash_point int default null,
    p_payment_methods text[] default null,
    p_payment_amounts numeric[] default null,
    p_owner_member_id int default null,
    p_owner_email text default null,
    p_card bigint default null,
    p_request_id text default null,
    p_owner_name text default null
)
returns table (
    purchase bigint, payment bigint, ticket bigint, price_group int, price numeric, fee numeric, purchase_key uuid
)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    v_answer jsonb;
    v_offers billig.offer[];
    v_price_groups int[];
    v_counts int[];
    v_total numeric;
    v_owner_member_id int := p_owner_member_id;
    v_purchase bigint;
    v_key uuid;
    v_payment bigint;
    v_cash_point int;
    v_paid constant timestamp := case when p_sale_channel = 'STAND' then billig.local_time() end;
begin
    perform books.check_text(
        'p_sale_channel', p_sale_channel, 'p_seller', p_seller, 'p_owner_email', p_owner_email,
        'p_request_id', p_request_id
    );
    p_price_groups := books.list('p_price_groups', p_price_groups);
    p_counts := books.list('p_counts', p_counts);
    p_payment_methods := books.list('p_payment_methods', p_payment_methods);
    p_payment_amounts := books.list('p_payment_amounts', p_payment_amounts);
    if p_seller is not null or p_sale_channel = 'STAND' then
        p_seller := billig.check_seller(p_seller);
    else
        perform billig.check_web();
    end if;
    perform billig.check_purchase(
        p_sale_channel, p_seller, p_cash_point, p_payment_methods is not null or p_payment_amounts is not null,
        p_owner_member_id is not null or coalesce(p_owner_email, '') <> '' or p_card is not null
    );
    v_cash_point := billig.till_cash_point(p_seller, p_cash_point);

    select w.price_groups, w.counts, w.offers, w.total
    into v_price_groups, v_counts, v_offers, v_total
    from billig.wanted_offers(p_price_groups, p_counts) as w;

    if p_request_id is not null then
        v_answer := books.begin_request('billig.create_purchase', p_request_id, jsonb_build_object(
            'p_sale_channel', p_sale_channel, 'p_price_groups', v_price_groups, 'p_counts', v_counts,
            'p_seller', p_seller, 'p_cash_point', p_cash_point, 'p_payment_methods', p_payment_methods,
            'p_payment_amounts', p_payment_amounts, 'p_owner_member_id', p_owner_member_id,
            'p_owner_email', p_owner_email, 'p_card', p_card, 'p_owner_name', p_owner_name
        ));
        if v_answer is not null then
            return query
            select *
            from jsonb_to_recordset(v_answer)
                as r (
                    purchase bigint, payment bigint, ticket bigint, price_group int, price numeric, fee numeric,
                    purchase_key uuid
                );
            return;
        end if;
    end if;

    perform billig.check_offers(
        v_offers, v_counts, v_price_groups, p_seller is null, p_sale_channel = 'NET', p_card, p_owner_member_id
    );
    if p_card is not null and p_owner_member_id is null then
        select c.owner_member_id into v_owner_member_id
        from billig.ticket_card as c
        where c.card = p_card;
    end if;

    select n.purchase, n.purchase_key
    into v_purchase, v_key
    from billig.new_purchase(v_owner_member_id, p_owner_email, p_card, p_seller) as n;
    if p_owner_name is not null then
        perform billig.name_buyer(v_purchase, p_owner_name, v_key);
    end if;
    if p_sale_channel = 'STAND' then
        v_payment := billig.new_payment(
            'SALE', v_purchase, null, p_seller, v_cash_point, 'FUNCTION', null, null, false,
            p_payment_methods, p_payment_amounts, v_total
        );
    end if;

    return query
    select n.purchase, n.payment, n.ticket, n.price_group, n.price, n.fee, v_key
    from billig.new_tickets(
        array[v_purchase], p_sale_channel, v_paid, p_seller, v_cash_point, v_payment, p_card is not null, v_offers, v_counts,
        null
    ) as n;

    if p_request_id is not null then
        perform books.end_request('billig.create_purchase', p_request_id, (
            select jsonb_agg(to_jsonb(r) order by r.ticket)
            from (
                select t.purchase, t.payment, t.ticket, t.price_group, t.price, t.fee, v_key as purchase_key
                from billig.ticket as t
                where t.purchase = v_purchase
            ) as r
        ));
    end if;
end;
$$;

comment on function billig.create_purchase(text, int[], int[], text, int, text[], numeric[], int, text, bigint, text, text) is
'Sells tickets (T5, T14): one row per ticket. p_sale_channel STAND (paid at once, by one or several methods), NET (web: held unpaid until confirm_net_payment) or RESERVATION (until pay_reservation). p_price_groups and p_counts pair up. p_seller: who sells; null on the web. p_payment_amounts: NOK, one per method; null for a single method; cash is rounded to whole kroner and may be named either way. p_cash_point: null for that of the seller''s open till session. price: NOK including VAT, all that the ticket costs; fee: the part of it that is a fee, never to be added to it. purchase_key: what shows the purchase to its buyer (billig.show_purchase). A buyer who is named (p_owner_member_id, else p_owner_email, else p_card) holds at most ticket_limit tickets of a price group at a time. p_owner_name: the buyer''s name, for the receipt. p_request_id: retry-safe. Refusals: 22023 bad argument; P0002 no such price group, cash point or ticket card; 42501 not allowed; 23B01 sold out; 23B02 sale period; 23B03 hidden or not for the web; 23B04 membership; 23B05 ticket limit; 23B06 payment does not agree; 23B13 request id reused; 23B16 no VAT; 23B26 no till session is open; 23B36 at commit, NOK 40,000 or more in cash and no buyer''s name. May be null: payment.';
