create or replace function billig.payment_mix(p_payments bigint[])
returns table (payment bigint, gives_back bigint, payment_method smallint, amount numeric)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_exchanges bigint[];
    v_cash smallint;
    v_rounding smallint;
begin
    -- The rounding belongs to the cash: what was to be paid so is what counts.
    select payment_method into v_cash from billig.payment_method where is_cash;
    select payment_method into v_rounding from billig.payment_method where is_rounding;
    return query
    select i.payment, i.gives_back, i.payment_method, i.amount
    from (
        select
            l.payment, coalesce(l.gives_back, l.payment) as gives_back,
            coalesce(
                l.gives_back_method, case when l.payment_method = v_rounding then v_cash else l.payment_method end
            ) as payment_method,
            sum(l.amount) as amount, sum(sum(l.amount)) over (partition by l.payment) as total
        from billig.payment_line as l
        inner join billig.payment as p on l.payment = p.payment
        where l.payment = any (p_payments) and p.exchange is null
        group by 1, 2, 3
    ) as i
    where sign(i.amount) = sign(i.total);

    select array_agg(p.payment) into v_exchanges
    from billig.payment as p
    where p.payment = any (p_payments) and p.exchange is not null;
    if v_exchanges is null then
        return;
    end if;

    -- An exchange pays for the new tickets with what the old ones were paid with, and the difference.
    return query
    with part as (
        select w.key as payment, coalesce(w.gives_back, w.key) as gives_back, w.payment_method, w.amount
        from (
            select
                array_agg(g.ticket) as tickets, array_agg(g.payment) as payments,
                array_agg(-g.amount - g.fee_amount) as amounts
            from billig.transaction_log as g
            where g.payment = any (v_exchanges) and g.amount + g.fee_amount < 0
        ) as a
        cross join billig.paid_with(a.tickets, a.payments, a.amounts) as w
        where a.tickets is not null
        union all
        select
            l.payment, coalesce(l.gives_back, l.payment),
            coalesce(l.gives_back_method, case when l.payment_method = v_rounding then v_cash else l.payment_method end),
            l.amount
        from billig.payment_line as l
        where l.payment = any (v_exchanges)
    )

    select q.payment, q.gives_back, q.payment_method, sum(q.amount)
    from part as q
    group by q.payment, q.gives_back, q.payment_method
    having sum(q.amount) > 0;
end;
$$;

comment on function billig.payment_mix(bigint[]) is
'Of which payments, and by which of their methods, the money of payments is, signed NOK: of one that took it itself; of one that gave it back the one that it gives back. Of an exchange: what its new tickets are paid with, which is what the old ones were, and the difference.';
