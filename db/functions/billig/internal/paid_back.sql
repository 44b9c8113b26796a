create or replace function billig.paid_back(p_tickets bigint[], p_weights numeric[], p_amount numeric)
returns table (gives_back bigint, payment_method smallint, amount numeric)
language sql
begin atomic
    select w.gives_back, w.payment_method, w.amount
    from (
        select array_agg(s.ticket) as tickets, array_agg(0::bigint) as keys, array_agg(s.part) as parts
        from (
            select
                i.ticket,
                books.share_of(p_amount, sum(i.weight) over (order by i.ticket), i.weight, sum(i.weight) over ()) as part
            from unnest(p_tickets, p_weights) as i (ticket, weight)
            where i.weight <> 0
        ) as s
    ) as a
    cross join billig.paid_with(a.tickets, a.keys, a.parts) as w
    where w.amount <> 0;
end;

comment on function billig.paid_back(bigint[], numeric[], numeric) is
'Of which payments, and by which of their methods, an amount (negative NOK) that belongs to several tickets is paid back: those that the tickets were paid with. The amount is shared over the tickets by p_weights, all of one sign, to the øre. May be null: gives_back.';
