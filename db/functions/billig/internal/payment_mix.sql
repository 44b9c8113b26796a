create or replace function billig.payment_mix(p_payments bigint[])
returns table (payment bigint, gives_back bigint, payment_method smallint, amount numeric)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
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
        where
            l.payment = any (p_payments) and p.exchange is null
            and not exists (select from billig.exchange_source as x where x.payment = l.payment)
        group by 1, 2, 3
    ) as i
    where sign(i.amount) = sign(i.total)
    union all
    select x.payment, x.gives_back, x.payment_method, x.amount
    from billig.exchange_source as x
    where x.payment = any (p_payments);
end;
$$;

comment on function billig.payment_mix(bigint[]) is
'Of which payments, and by which of their methods, the money of payments is, signed NOK: of one that took it itself; of one that gave it back the one that it gives back. Of an exchange: what its new tickets are paid with, which is what the old ones were, and the difference; of a web sale that part payments came for, those and the rest.';
