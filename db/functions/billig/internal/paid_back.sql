create or replace function billig.paid_back(
    p_tickets bigint[], p_weights numeric[], p_amount numeric, out methods text[], out amounts numeric[]
)
language sql
begin atomic
    select array_agg(m.payment_method_name), array_agg(w.amount)
    from (
        select array_agg(s.ticket) as tickets, array_agg(0::bigint) as keys, array_agg(s.part) as parts
        from (
            select
                i.ticket,
                billig.share_of(p_amount, sum(i.weight) over (order by i.ticket), i.weight, sum(i.weight) over ()) as part
            from unnest(p_tickets, p_weights) as i (ticket, weight)
            where i.weight <> 0
        ) as s
    ) as a
    cross join billig.paid_with(a.tickets, a.keys, a.parts) as w
    inner join billig.payment_method as m on w.payment_method = m.payment_method
    where w.amount <> 0;
end;

comment on function billig.paid_back(bigint[], numeric[], numeric) is
'By which methods an amount (signed NOK) that belongs to several tickets is paid back, where nobody says: those that the tickets were paid with. The amount is shared over the tickets by p_weights, all of one sign, to the øre. Returns names of methods and their amounts, in pairs; null where there is nothing to pay back.';
