create or replace function billig.use_parts(p_payment bigint, p_parts bigint[])
returns void
language plpgsql
as $$
begin
    insert into billig.exchange_source (payment, gives_back, payment_method, amount)
    select p_payment, s.gives_back, s.payment_method, s.amount
    from (
        select l.payment as gives_back, l.payment_method, l.amount
        from billig.payment_line as l
        where l.payment = p_payment
        union all
        select p.payment, o.payment_method, o.amount
        from billig.owed_back as o
        inner join billig.payment as p on o.provider_reference = p.provider_reference
        where o.owed_back = any (p_parts)
    ) as s
    where s.amount > 0;
    insert into billig.payment_line (payment, payment_method, line, amount, organisation)
    select p_payment, m.payment_method, row_number() over (order by o.owed_back), o.amount, o.organisation
    from billig.owed_back as o
    inner join billig.payment_method as m on m.is_held
    where o.owed_back = any (p_parts);
    update billig.owed_back as o
    set used_payment = p_payment
    where o.owed_back = any (p_parts);
end;
$$;

comment on function billig.use_parts(bigint, bigint[]) is
'Pays with part payments (p_parts: billig.owed_back) what the rest came for: a line of method HELD for each in its payment, and where its money comes from, so that each krone goes back under the reference it came by. Called by confirm_net_payment alone, which holds the purchase.';
