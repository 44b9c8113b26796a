create or replace function billig.repay(
    p_payments bigint[], p_gives_back bigint[], p_methods smallint[], p_amounts numeric[],
    p_by text[] default null, p_by_amounts numeric[] default null, p_by_methods smallint[] default null
)
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_cash constant smallint := (select m.payment_method from billig.payment_method as m where m.is_cash);
    v_total constant numeric := (select coalesce(sum(a), 0) from unnest(p_amounts) as a);
    v_by smallint[];
    v_by_amounts numeric[];
    v_plan billig.payment_line[];
    v_named constant boolean := p_by is not null or p_by_amounts is not null;
begin
    if v_named then
        select w.methods, w.amounts into v_by, v_by_amounts
        from billig.payment_means(p_by, p_by_amounts, v_total) as w;
    end if;
    if v_total = 0 then
        return;
    end if;
    if exists (
        select from unnest(p_payments, p_methods) as r (payment, method)
        inner join billig.payment as p on r.payment = p.payment
        where v_cash = any (coalesce(v_by, array[r.method])) and p.seller is null and p.made_by <> 'TRIGGER'
    ) then
        raise exception 'cash goes over a counter' using
            errcode = '22023',
            detail = format('NOK %s, some of it in cash, and no seller.', v_total),
            hint = 'Let a seller do it, or name another method in p_payment_methods.';
    end if;

    perform billig.lock_given_back(p_gives_back);
    if
        v_named and (cardinality(v_by) > 1 or v_by[1] <> any (p_methods))
        or exists (
            select from unnest(p_gives_back, p_methods, p_amounts) as r (gives_back, method, amount)
            left join billig.given_back as g on r.gives_back = g.payment and r.method = g.payment_method
            group by r.gives_back, r.method
            having -sum(r.amount) > coalesce(max(g.took - g.amount), 0)
        )
    then
        v_plan := billig.repay_otherwise(p_payments, p_gives_back, p_methods, p_amounts, v_by, v_by_amounts);
    else
        v_plan := array(
            select row(
                r.payment, coalesce(r.by_method, r.method), 1, sum(r.amount), null, r.gives_back, r.method
            )::billig.payment_line
            from unnest(p_payments, p_gives_back, p_methods, p_amounts, p_by_methods)
                as r (payment, gives_back, method, amount, by_method)
            group by r.payment, coalesce(r.by_method, r.method), r.gives_back, r.method
        );
    end if;
    perform billig.hand_out(v_plan);
end;
$$;

comment on function billig.repay(bigint[], bigint[], smallint[], numeric[], text[], numeric[], smallint[]) is
'Writes the lines of payments that give money back: of p_payments (whose they are), p_gives_back (which took the money), p_methods (by which of its methods) and p_amounts (negative NOK), a row each. By the road it came in, unless p_by and p_by_amounts (as the functions'' p_payment_methods) say otherwise, or p_by_methods does for each row. Never more than is left of a payment and method: what a row asks for beyond that is taken from what else the purchase was paid with. 22023 and 23B06 as billig.payment_means; 22023 cash and no seller; 23B31 more than is left by that road.';
