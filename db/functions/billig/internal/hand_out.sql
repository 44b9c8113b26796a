create or replace function billig.hand_out(p_plan billig.payment_line[])
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
    v_cash constant smallint := (select m.payment_method from billig.payment_method as m where m.is_cash);
    v_rounded constant bigint[] := array(
        select l.payment
        from unnest(p_plan) as l
        where l.payment_method = v_cash
        group by l.payment
        having sum(l.amount) <> trunc(sum(l.amount))
        order by l.payment
    );
    v_one record;
begin
    perform billig.hand_out_lines(array(select l from unnest(p_plan) as l where l.payment <> all (v_rounded)), 0);
    for v_one in -- each knows what was rounded before it
        select array_agg(l) as lines, l.payment || array_agg(distinct l.gives_back) as payments
        from unnest(p_plan) as l
        where l.payment = any (v_rounded)
        group by l.payment
        order by l.payment
    loop
        perform billig.hand_out_lines(v_one.lines, billig.rounding_gained(v_one.payments));
    end loop;
end;
$$;

comment on function billig.hand_out(billig.payment_line[]) is
'Writes the lines by which money goes back, as billig.repay has planned them. Cash goes out in whole kroner, rounded for the whole that its payment belongs to (billig.rounding_gained): many small repayments come to what one would.';
