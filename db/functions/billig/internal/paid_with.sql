create or replace function billig.paid_with(p_tickets bigint[], p_keys bigint[], p_amounts numeric[])
returns table (key bigint, payment_method smallint, amount numeric)
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

    -- what was paid for each ticket, for changes of its price group, and what went back of it, also where a part of a refund
    -- was kept; an exchange gives it back as a whole
    flow as materialized (
        select l.transaction_log, l.ticket, l.payment, l.amount + l.fee_amount as value
        from item as i
        inner join billig.transaction_log as l on i.ticket = l.ticket
        where
            l.amount + l.fee_amount <> 0
            and (billig.takes_money(l.transaction_type) or billig.is_refund(l.transaction_type) and l.exchange is null)
    ),

    mix as materialized (
        select
            x.payment, x.payment_method, x.amount,
            sum(x.amount) over (partition by x.payment order by x.payment_method) as upto,
            sum(x.amount) over (partition by x.payment) as total,
            count(*) over (partition by x.payment) as methods
        from billig.payment_mix(array(select distinct f.payment from flow as f)) as x
    ),

    -- Where one payment has several methods: how far along in it each of its rows comes.
    place as (
        select
            l.transaction_log,
            sum(l.amount + l.fee_amount) over (partition by l.payment order by l.transaction_log) as upto
        from billig.transaction_log as l
        where
            l.payment = any (array(select distinct m.payment from mix as m where m.methods > 1))
            and l.amount + l.fee_amount <> 0
            and (billig.takes_money(l.transaction_type) or billig.is_refund(l.transaction_type) and l.exchange is null)
    ),

    held as materialized (
        select h.ticket, h.payment_method, h.amount, sum(h.amount) over (partition by h.ticket) as total
        from (
            select s.ticket, s.payment_method, sum(s.amount) as amount
            from (
                select f.ticket, m.payment_method, f.value as amount
                from flow as f
                inner join mix as m on f.payment = m.payment
                where m.methods = 1
                union all
                -- Each ticket's part is the same whenever it is asked for, and the parts of all tickets of a payment
                -- sum to its lines, to the øre.
                select
                    f.ticket, m.payment_method,
                    books.share_of(p.upto, m.upto, m.amount, m.total)
                    - books.share_of(p.upto - f.value, m.upto, m.amount, m.total)
                from flow as f
                inner join place as p on f.transaction_log = p.transaction_log
                inner join mix as m on f.payment = m.payment
                where m.methods > 1
            ) as s
            group by s.ticket, s.payment_method
            having sum(s.amount) > 0
        ) as h
    ),

    share as (
        select i.key, h.payment_method, i.amount * h.amount / h.total as amount
        from item as i
        inner join held as h on i.ticket = h.ticket
        union all
        -- a ticket that brought no money in goes by its channel
        select i.key, s.payment_method, i.amount
        from item as i
        inner join billig.ticket as t on i.ticket = t.ticket
        inner join billig.sale_channel as s on t.sale_channel = s.sale_channel
        where i.amount <> 0 and not exists (select from held as h where h.ticket = i.ticket)
    ),

    running as (
        select
            s.key, s.payment_method, sum(s.amount) as amount,
            sum(sum(s.amount)) over (partition by s.key order by s.payment_method) as upto
        from share as s
        group by s.key, s.payment_method
    )

    -- what the methods have of a key may cancel out, so it is rounded itself: it comes to whole øre in the end
    select r.key, r.payment_method, books.share_of(1, r.upto, r.amount, 1)
    from running as r;
end;
$$;

comment on function billig.paid_with(bigint[], bigint[], numeric[]) is
'Splits amounts (signed NOK, one a ticket) by the methods in which the tickets'' money lies, in proportion where several, summed by key; each key''s lines sum exactly to its amounts. What a ticket was paid with less what went back when its price group changed; exchanges are followed back to the money that first came in. So the refunds of a purchase, in any order, pay back by each method what came in by it.';
