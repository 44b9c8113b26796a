create or replace function billig.shared_gain(p_tickets bigint[], p_payments bigint[], p_amounts numeric[], p_sign int)
returns table (ticket bigint, payment bigint, part numeric)
language sql immutable
begin atomic
    select
        g.ticket, g.payment,
        books.share_of(
            g.total, sum(g.amount) over (partition by g.payment order by g.ticket), g.amount,
            sum(g.amount) over (partition by g.payment)
        )
    from (
        select i.ticket, i.payment, i.amount, sum(i.amount) over (partition by i.payment) as total
        from unnest(p_tickets, p_payments, p_amounts) as i (ticket, payment, amount)
    ) as g
    where sign(g.amount) = p_sign and sign(g.total) = p_sign;
end;

comment on function billig.shared_gain(bigint[], bigint[], numeric[], int) is
'Of payments in which some tickets gain and others lose (signed NOK per ticket): what each payment comes to, shared over the tickets that point the same way; p_sign 1: of payments by which money comes in; -1: by which it goes back.';
