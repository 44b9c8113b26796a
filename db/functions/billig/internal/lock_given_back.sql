create or replace function billig.lock_given_back(p_payments bigint[])
returns void
language plpgsql
as $$
begin
    insert into billig.given_back (payment, payment_method, took, cash_took)
    select t.payment, t.payment_method, t.took, t.cash_took
    from (
        select
            l.payment, case when m.is_rounding then c.payment_method else m.payment_method end as payment_method,
            sum(l.amount) as took, coalesce(sum(l.amount) filter (where m.is_cash), 0) as cash_took
        from billig.payment_line as l
        inner join billig.payment_method as m on l.payment_method = m.payment_method and not m.is_held
        inner join billig.payment_method as c on c.is_cash
        where l.payment = any (p_payments) and l.gives_back is null
        group by 1, 2
        having sum(l.amount) > 0
        union all
        select u.payment, u.payment_method, u.amount, 0
        from billig.part_payment as u
        where u.payment = any (p_payments)
    ) as t
    order by t.payment, t.payment_method
    on conflict do nothing;
    perform from billig.given_back as g
    where g.payment = any (p_payments)
    order by g.payment, g.payment_method
    for no key update;
end;
$$;

comment on function billig.lock_given_back(bigint[]) is
'Locks what is left of payments, in key order, so that it stays what it is until the transaction ends: after tickets, and after capacity where that is locked.';
