create or replace function marketplace.creditable(p_transactions bigint [], p_prices numeric [])
returns table (transaction bigint, creditable numeric)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    with asked as (
        select
            t.transaction, t.taken_by,
            greatest(0, t.billed - t.forgiven - coalesce(t.taken, 0) - t.credited) as never_taken,
            -- What was forgiven was never paid, by no road.
            case
                when t.taken_by is null then 0
                else greatest(
                    0,
                    least(x.price, t.billed - t.forgiven - t.credited)
                    - greatest(0, t.billed - t.forgiven - t.taken - t.credited)
                )
            end as of_charge
        from unnest(p_transactions, p_prices) as x (transaction, price)
        inner join marketplace.transaction as t on x.transaction = t.transaction
        where t.taken_by is not null or t.forgiven <> 0
    ),

    -- What is left of the charge is for all of its months together: whoever is asked for first has it.
    shared as (
        select
            a.transaction, a.never_taken, a.of_charge,
            (c.amount - c.refunded - c.disputed - c.lost) / 100.0 - (
                select sum(marketplace.credited_beyond(m.billed - m.forgiven, m.taken, m.credited))
                from marketplace.transaction as m
                where m.taken_by = a.taken_by
            ) - (sum(a.of_charge) over (partition by a.taken_by order by a.transaction) - a.of_charge) as charge_left
        from asked as a
        left join marketplace.payment_attempt as c on a.taken_by = c.payment_attempt
    )

    select s.transaction, s.never_taken + least(s.of_charge, greatest(0, coalesce(s.charge_left, 0)))
    from shared as s;
end;

comment on function marketplace.creditable(bigint [], numeric []) is
'What corrections may credit of clicks of these transactions that cost so much, NOK: what no charge ever took of them, and of what one took as much as is left of it: what was given back by a refund, is in dispute or was lost is not credited as well, nor what was reduced or written off. No row where no charge has taken anything, and nothing was forgiven: then only the clicks themselves are the limit.';
