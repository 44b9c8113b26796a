create or replace view marketplace.gateway_line as
with told as (
    select
        e.gateway,
        e.about,
        sum(e.amount) as amount
    from marketplace.balance_entry as e
    where e.effect = 'ATTEMPT' and e.currency = 'NOK'
    group by e.gateway, e.about
),

beyond as (
    select
        m.payment_attempt,
        sum(m.amount) as amount
    from marketplace.purse_movement as m
    where m.payment_attempt is not null
    group by m.payment_attempt
),

-- By hand, out of a purse that one such gateway uses: of that gateway.
keeper as (
    select
        g.purse,
        min(g.gateway) as gateway
    from marketplace.gateway as g
    where g.looks_up
    group by g.purse
    having count(*) = 1
)

select
    a.gateway,
    a.payment_attempt,
    null::bigint as purse_movement,
    null::text as entry,
    (case
        when a.kind = 'CHARGE' then case when a.state = 'SUCCEEDED' then a.amount - a.disputed - a.lost + coalesce(b.amount, 0) else 0 end
        when a.state = 'SUCCEEDED' then a.came_back - a.amount
        -- Under way: it has left, if the gateway says so.
        when a.state in ('SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION') then coalesce(t.amount, 0)
        else 0
    end)::bigint as amount,
    t.amount::bigint as told,
    a.changed_at
from marketplace.payment_attempt as a
inner join marketplace.gateway as g on a.gateway = g.gateway and g.looks_up
left join told as t on a.gateway = t.gateway and a.gateway_id = t.about
left join beyond as b on a.payment_attempt = b.payment_attempt
union all
select
    coalesce(m.gateway, k.gateway),
    null,
    m.purse_movement,
    m.entry,
    m.amount,
    case when m.entry is not null then m.amount end,
    m.moved_at
from marketplace.purse_movement as m
left join keeper as k on m.purse = k.purse
left join marketplace.balance_entry as e on m.gateway = e.gateway and m.entry = e.entry
where
    m.payment_attempt is null and coalesce(m.gateway, k.gateway) is not null
    -- Its other row is of the bank's purse.
    and (e.entry is null or m.kind <> 'TRANSFER' or sign(m.amount) = sign(e.amount))
union all
-- It went to our bank, which uses the same purse: so no purse has moved.
select
    e.gateway,
    null,
    null,
    e.entry,
    e.amount,
    e.amount,
    e.told_at
from marketplace.balance_entry as e
where
    e.effect = 'WITHDRAWAL' and e.currency = 'NOK'
    and not exists (
        select from marketplace.purse_movement as m
        where m.gateway = e.gateway and m.entry = e.entry and m.kind = 'TRANSFER'
    );

comment on view marketplace.gateway_line is
'What a gateway has of our money, by our books, line by line, øre: its attempts, what was moved, and what it paid out to a bank of the same purse. told: what its own account has of the same; null: nothing. Of gateways that can be asked (gateway.looks_up). What a person moved in a purse that several of them use is in none.';
