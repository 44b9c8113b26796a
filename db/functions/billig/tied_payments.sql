create or replace function billig.tied_payments(p_payments bigint[])
returns bigint[]
language plpgsql stable security definer
set search_path = pg_catalog, billig, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_payments bigint[];
begin
    p_payments := books.list('p_payments', p_payments);
    with recursive whole as (
        select s.purchase
        from (
            select p.purchase
            from billig.payment as p
            where p.payment = any (p_payments) and p.purchase is not null
            union
            select l.purchase
            from billig.transaction_log as l
            where l.payment = any (p_payments)
        ) as s
        union
        -- each purchase's payments once, and each of those's purchases: no ticket against every other
        select n.purchase
        from whole as w
        cross join lateral (
            select distinct m.purchase
            from (
                select distinct l.payment
                from billig.ticket as t
                inner join billig.transaction_log as l on t.ticket = l.ticket
                where t.purchase = w.purchase and l.payment is not null
            ) as p
            inner join billig.transaction_log as m on p.payment = m.payment
        ) as n
    )

    select array_agg(distinct l.payment order by l.payment)
    into v_payments
    from whole as w
    inner join billig.ticket as t on w.purchase = t.purchase
    inner join billig.transaction_log as l on t.ticket = l.ticket
    where l.payment is not null;
    return v_payments;
end;
$$;

comment on function billig.tied_payments(bigint[]) is
'All payments whose money is one whole with that of these, in key order: those of the same purchases, and of purchases that exchanges and changes of price group have tied to them, however many lie between. What came in by them less what went back is what is left of their tickets, to the øre: so each of those can be given back out of them. Sees what is logged; none, where these have no purchase and no rows yet. 22023 a null among them. May be null: p_payments, the result.';
