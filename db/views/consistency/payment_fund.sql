create or replace view consistency.payment_fund as
with attempt as (
    select
        coalesce(sum(a.amount) filter (where a.kind = 'CHARGE' and a.state = 'SUCCEEDED'), 0) as came_in,
        coalesce(sum(a.amount) filter (
            where a.kind <> 'CHARGE' and a.state not in ('DECLINED_SOFT', 'DECLINED_HARD', 'REJECTED', 'CANCELLED')
        ), 0) as committed,
        coalesce(sum(a.amount) filter (where a.returned_at is not null), 0) as came_back
    from marketplace.payment_attempt as a
),

expected as (
    select
        a.came_in,
        a.committed,
        a.came_back,
        coalesce((select sum(m.amount) from marketplace.reserve_movement as m), 0) as reserve
    from attempt as a
)

select
    f.came_in,
    e.came_in as came_in_of_attempts,
    f.committed,
    e.committed as committed_of_attempts,
    f.came_back,
    e.came_back as came_back_of_attempts,
    f.reserve,
    e.reserve as reserve_of_movements
from expected as e
left join marketplace.fund as f on true
where (f.came_in, f.committed, f.came_back, f.reserve) is distinct from (e.came_in, e.committed, e.came_back, e.reserve);

comment on view consistency.payment_fund is
'The fund, in øre, is what attempts brought in, took, and got back, and what the operator moved.';
