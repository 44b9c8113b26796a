create or replace view consistency.payment_purse as
with attempt as (
    select
        a.purse,
        coalesce(sum(a.amount) filter (where a.kind = 'CHARGE' and a.state = 'SUCCEEDED'), 0) as came_in,
        coalesce(sum(a.amount) filter (
            where a.kind <> 'CHARGE' and a.state not in ('DECLINED_SOFT', 'DECLINED_HARD', 'REJECTED', 'CANCELLED')
        ), 0) as committed,
        coalesce(sum(a.came_back), 0) as came_back,
        coalesce(sum(a.disputed + a.lost), 0) as withdrawn
    from marketplace.payment_attempt as a
    group by a.purse
),

movement as (
    select
        m.purse,
        sum(m.amount) as reserve
    from marketplace.purse_movement as m
    group by m.purse
),

expected as (
    select
        p.purse,
        coalesce(a.came_in, 0) as came_in,
        coalesce(a.committed, 0) as committed,
        coalesce(a.came_back, 0) as came_back,
        coalesce(a.withdrawn, 0) as withdrawn,
        coalesce(m.reserve, 0) as reserve
    from marketplace.purse as p
    left join attempt as a on p.purse = a.purse
    left join movement as m on p.purse = m.purse
)

select
    p.purse,
    p.came_in,
    e.came_in as came_in_of_attempts,
    p.committed,
    e.committed as committed_of_attempts,
    p.came_back,
    e.came_back as came_back_of_attempts,
    p.withdrawn,
    e.withdrawn as withdrawn_of_attempts,
    p.reserve,
    e.reserve as reserve_of_movements
from marketplace.purse as p
inner join expected as e on p.purse = e.purse
where
    (p.came_in, p.committed, p.came_back, p.withdrawn, p.reserve)
    <> (e.came_in, e.committed, e.came_back, e.withdrawn, e.reserve)
    or p.overdrawn > greatest(0, -p.available);

comment on view consistency.payment_purse is
'Each purse, in øre, is what attempts brought in, took, got back and lost to a gateway, and what was moved; it is overdrawn by no more than is missing.';
