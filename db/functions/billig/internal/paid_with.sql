create or replace function billig.paid_with(p_tickets bigint[], p_keys bigint[], p_amounts numeric[])
returns table (key bigint, gives_back bigint, payment_method smallint, amount numeric)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
    return query
    with item as materialized (
        select i.ticket, i.key, i.amount
        from unnest(p_tickets, p_keys, p_amounts) as i (ticket, key, amount)
    ),

    -- what each payment brought a ticket, or took from it
    flow as materialized (
        select l.ticket, l.payment, min(l.transaction_log) as place, sum(l.amount + l.fee_amount) as value
        from (select distinct i.ticket from item as i) as i
        inner join billig.transaction_log as l on i.ticket = l.ticket
        where l.amount + l.fee_amount <> 0 and billig.counts_for_ticket(l.transaction_type, l.exchange)
        group by l.ticket, l.payment
    ),

    mix as materialized (
        select
            x.payment, x.gives_back, x.payment_method, x.amount,
            sum(x.amount) over (partition by x.payment order by x.gives_back, x.payment_method) as upto,
            sum(x.amount) over (partition by x.payment) as total,
            count(*) over (partition by x.payment) as parts
        from billig.payment_mix(array(select distinct f.payment from flow as f)) as x
    ),

    -- Where one payment's money is of several kinds: how far along in it each of its tickets comes.
    place as (
        select s.payment, s.ticket, sum(s.value) over (partition by s.payment order by s.place) as upto
        from (
            select l.payment, l.ticket, min(l.transaction_log) as place, sum(l.amount + l.fee_amount) as value
            from billig.transaction_log as l
            where
                l.payment = any (array(select distinct m.payment from mix as m where m.parts > 1))
                and l.amount + l.fee_amount <> 0 and billig.counts_for_ticket(l.transaction_type, l.exchange)
            group by l.payment, l.ticket
        ) as s
    ),

    held as materialized (
        select h.ticket, h.gives_back, h.payment_method, h.amount, sum(h.amount) over (partition by h.ticket) as total
        from (
            select s.ticket, s.gives_back, s.payment_method, sum(s.amount) as amount
            from (
                select f.ticket, m.gives_back, m.payment_method, f.value as amount
                from flow as f
                inner join mix as m on f.payment = m.payment
                where m.parts = 1
                union all
                -- Each ticket's part is the same whenever it is asked for, and the parts of all tickets of a payment
                -- sum to its lines, to the øre.
                select
                    f.ticket, m.gives_back, m.payment_method,
                    books.share_of(p.upto, m.upto, m.amount, m.total)
                    - books.share_of(p.upto - f.value, m.upto, m.amount, m.total)
                from flow as f
                inner join place as p on f.payment = p.payment and f.ticket = p.ticket
                inner join mix as m on f.payment = m.payment
                where m.parts > 1
            ) as s
            group by s.ticket, s.gives_back, s.payment_method
            having sum(s.amount) > 0
        ) as h
    ),

    share as (
        select i.key, h.gives_back, h.payment_method, i.amount * h.amount / h.total as amount
        from item as i
        inner join held as h on i.ticket = h.ticket
        union all
        -- a ticket that brought no money in goes by its channel
        select i.key, null, s.payment_method, i.amount
        from item as i
        inner join billig.ticket as t on i.ticket = t.ticket
        inner join billig.sale_channel as s on t.sale_channel = s.sale_channel
        where i.amount <> 0 and not exists (select from held as h where h.ticket = i.ticket)
    ),

    running as (
        select
            s.key, s.gives_back, s.payment_method, sum(s.amount) as amount,
            sum(sum(s.amount)) over (partition by s.key order by s.gives_back, s.payment_method) as upto
        from share as s
        group by s.key, s.gives_back, s.payment_method
    )

    -- what the parts of a key may cancel out, so it is rounded itself: it comes to whole øre in the end
    select r.key, r.gives_back, r.payment_method, books.share_of(1, r.upto, r.amount, 1)
    from running as r;
end;
$$;

comment on function billig.paid_with(bigint[], bigint[], numeric[]) is
'Splits amounts (signed NOK, one a ticket) by the payments, and their methods, in which the tickets'' money lies, in proportion where several, summed by key; each key''s rows sum exactly to its amounts. gives_back: the payment that took the money; null: the ticket brought none in, and goes by its channel. What a ticket was paid with less what went back of it; after an exchange the money that first came in. So the refunds of a purchase, in any order, pay back of each payment and method what came in by it.';
