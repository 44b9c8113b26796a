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

    inflow as materialized (
        select
            i.ticket, i.key, i.amount, l.payment, l.amount + l.fee_amount as value,
            sum(l.amount + l.fee_amount) over (partition by i.ticket) as ticket_value
        from item as i
        inner join billig.transaction_log as l on i.ticket = l.ticket
        where l.amount + l.fee_amount > 0
    ),

    mix as materialized (
        select x.payment, x.payment_method, x.share
        from billig.payment_mix(array(select distinct f.payment from inflow as f)) as x
    ),

    share as (
        select
            f.key, m.payment_method,
            sum(f.amount * f.value / f.ticket_value * m.share) as amount
        from inflow as f
        inner join mix as m on f.payment = m.payment
        group by f.key, m.payment_method
        union all
        -- a ticket that brought no money in goes by its channel
        select i.key, s.payment_method, sum(i.amount)
        from item as i
        inner join billig.ticket as t on i.ticket = t.ticket
        inner join billig.sale_channel as s on t.sale_channel = s.sale_channel
        where i.amount <> 0 and not exists (select from inflow as f where f.ticket = i.ticket)
        group by i.key, s.payment_method
    ),

    rounded as (
        select
            s.key, s.payment_method, round(sum(s.amount), 2) as amount,
            row_number() over (partition by s.key order by abs(sum(s.amount)) desc, s.payment_method) as rank
        from share as s
        group by s.key, s.payment_method
    )

    -- the largest method carries what rounding leaves, so that the lines sum to the øre
    select
        r.key, r.payment_method,
        r.amount + case
            when r.rank = 1
                then k.amount - sum(r.amount) over (partition by r.key)
            else 0
        end
    from rounded as r
    inner join (select i.key, sum(i.amount) as amount from item as i group by i.key) as k on r.key = k.key;
end;
$$;

comment on function billig.paid_with(bigint[], bigint[], numeric[]) is
'Splits amounts (signed NOK, one a ticket) by the methods the tickets were paid with, in proportion where several, summed by key; each key''s lines sum exactly to its amounts. Follows exchanges back to the money that first came in.';
