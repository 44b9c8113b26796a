create or replace view bank.candidate as
with item as materialized (
    select * from bank.open_expected
),

place as (
    -- in two orders: of one cash point, and of all of a road
    select
        i.*,
        g.turn,
        row_number() over w as place,
        sum(i.net) over w as upto
    from item as i
    cross join (values (1), (2)) as g (turn)
    window w as (
        partition by g.turn, i.road, case g.turn when 1 then coalesce(i.cash_point, 0) end order by i.day, i.expected
    )
),

run as (
    select
        f.account,
        f.road,
        f.turn,
        case f.turn when 1 then coalesce(f.cash_point, 0) end as line,
        f.place as first_place,
        l.place as last_place,
        l.upto - f.upto + f.net as net,
        l.first_day,
        f.last_day
    from place as f
    inner join place as l
        on
            f.turn = l.turn and f.road = l.road and l.place between f.place + 1 and f.place + f.run_max - 1
            and (f.turn = 2 or coalesce(f.cash_point, 0) = coalesce(l.cash_point, 0))
),

fitting as (
    select
        e.entry,
        array[i.expected] as expected
    from bank.open_entry as e
    inner join item as i
        on e.account = i.account and e.amount = i.net and e.booked_on between i.first_day and i.last_day
    where e.currency = 'NOK'
    union
    select
        e.entry,
        array(
            select p.expected
            from place as p
            where
                p.turn = r.turn and p.road = r.road and (r.turn = 2 or coalesce(p.cash_point, 0) = r.line)
                and p.place between r.first_place and r.last_place
            order by p.expected
        )
    from bank.open_entry as e
    inner join run as r
        on e.account = r.account and e.amount = r.net and e.booked_on between r.first_day and r.last_day
    where e.currency = 'NOK'
)

select
    f.entry,
    f.expected
from fitting as f
where not exists (
    select from bank.undone_pair as u
    where u.entry = f.entry and u.expected = any(f.expected)
);

comment on view bank.candidate is
'Which open items might be which open entry, by amount and day: one item, or up to run_max of one road that follow each other, of one cash point or of all, whose sum less fees is the entry. Several rows of an entry or of an item: nobody can tell, and no rule does.';
