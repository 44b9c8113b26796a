create or replace function billig.repay_otherwise(
    p_payments bigint[], p_gives_back bigint[], p_methods smallint[], p_amounts numeric[],
    p_by smallint[], p_by_amounts numeric[]
)
returns billig.payment_line[]
language plpgsql
as $$
declare
    v_sources constant bigint[] := array(select distinct s from unnest(p_gives_back) as s where s is not null);
    v_payments bigint[];
    v_left billig.given_back[];
    v_by smallint[] := p_by;
    v_rest numeric[] := array(select -a from unnest(p_by_amounts) as a);
    v_plan billig.payment_line[] := array[]::billig.payment_line[];
    v_head record;
    v_road record;
    v_need numeric;
    v_part numeric;
begin
    -- Where nothing is named: whatever is tied to them, since there what is left of all tickets is.
    v_payments := case
        when p_by is null then billig.tied_payments(p_payments || v_sources)
        else array(
            select p.payment
            from billig.payment as p
            where p.payment = any (v_sources) or p.purchase in (
                select h.purchase from billig.payment as h where h.payment = any (p_payments)
            )
        )
    end;
    perform billig.lock_given_back(v_payments);
    v_left := array(
        select g
        from billig.given_back as g
        where g.payment = any (v_payments)
        order by g.payment, g.payment_method
    );
    if p_by is null then
        v_by := array(select distinct g.payment_method from unnest(v_left) as g order by 1);
        v_rest := array_fill('Infinity'::numeric, array[cardinality(v_by)]);
    end if;

    -- The one with the fewest roads first, or another might take its only one.
    for v_head in
        select
            h.payment, p.purchase, p.reason, p.seller is not null or p.made_by = 'TRIGGER' as has_cash, -sum(h.amount) as amount, array_agg(h.gives_back) as sources,
            count(distinct (h.gives_back, h.method)) as roads
        from unnest(p_payments, p_gives_back, p_methods, p_amounts) as h (payment, gives_back, method, amount)
        inner join billig.payment as p on h.payment = p.payment
        group by h.payment, p.purchase, p.reason, p.seller, p.made_by
        order by roads, h.payment
    loop
        v_need := v_head.amount;
        for v_road in
            select
                b.position as by_place, g.place, b.method,
                case when w.pass = 1 then k.amount else 'Infinity' end as most
            from unnest(v_by) with ordinality as b (method, position)
            cross join (
                select l.ordinality::int as place, l.payment, l.payment_method
                from unnest(v_left) with ordinality as l
            ) as g
            inner join billig.payment as p on g.payment = p.payment
            left join (
                select r.gives_back, r.method, -sum(r.amount) as amount
                from unnest(p_payments, p_gives_back, p_methods, p_amounts) as r (payment, gives_back, method, amount)
                where r.payment = v_head.payment
                group by r.gives_back, r.method
            ) as k on g.payment = k.gives_back and g.payment_method = k.method
            cross join generate_series(1, 3) as w (pass)
            where
                (b.method <> 1 or v_head.has_cash)
                and (p_by is null or g.payment = any (v_head.sources) or p.purchase = v_head.purchase)
                and case w.pass
                    when 1 then b.method = g.payment_method and k.amount is not null
                    when 2 then b.method = g.payment_method
                    -- another road than it came, as payment_line_road_check lets it
                    else b.method <> g.payment_method and b.method in (1, 4, 8) and p_by is not null
                        and v_head.reason is not null
                end
            order by
                w.pass, b.position, k.amount is null, (g.payment = any (v_head.sources)) is not true,
                (p.purchase = v_head.purchase) is not true, g.place
        loop
            v_part := least(
                v_need, v_rest[v_road.by_place], v_left[v_road.place].took - v_left[v_road.place].amount, v_road.most
            );
            if v_part > 0 then
                v_need := v_need - v_part;
                v_rest[v_road.by_place] := v_rest[v_road.by_place] - v_part;
                v_left[v_road.place].amount := v_left[v_road.place].amount + v_part;
                v_plan := v_plan || row(
                    v_head.payment, v_road.method, 1, -v_part, null, v_left[v_road.place].payment,
                    v_left[v_road.place].payment_method
                )::billig.payment_line;
            end if;
        end loop;
        if v_need > 0 then
            raise exception 'more would be given back than came in that way' using
                errcode = '23B31',
                detail = format('NOK %s of %s have no payment that took as much by %s and has it still.',
                    v_need, v_head.amount, coalesce((
                        select string_agg(m.payment_method_name, ' or ' order by m.payment_method)
                        from billig.payment_method as m
                        where m.payment_method = any (p_by)
                    ), 'any method')),
                hint = 'Leave p_payment_methods out: each krone goes back by the road it came. In cash, by bank or otherwise a refund or a price reduction goes back with p_reason; amounts for several purchases may need a call for each.';
        end if;
    end loop;
    return array(
        select row(
            l.payment, l.payment_method, 1, sum(l.amount), null, l.gives_back, l.gives_back_method
        )::billig.payment_line
        from unnest(v_plan) as l
        group by l.payment, l.payment_method, l.gives_back, l.gives_back_method
    );
end;
$$;

comment on function billig.repay_otherwise(bigint[], bigint[], smallint[], numeric[], smallint[], numeric[]) is
'Which lines give money back where the plain plan does not do: methods are named (p_by, with p_by_amounts, negative NOK), or a row asks for more than is left. First by the road it came, from the payments planned; then from what else the purchase was paid with, or, where no methods are named, what is tied to it (billig.tied_payments); another road only in cash, by bank or otherwise, and with a reason. For billig.repay, which checks its arguments. 23B31: not enough is left by that road.';
