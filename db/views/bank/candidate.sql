create or replace view bank.candidate as
with item as materialized (
    select * from bank.open_expected
),

entry as materialized (
    select
        e.entry,
        e.account,
        e.amount,
        e.booked_on
    from bank.open_entry as e
    where e.currency = 'NOK'
),

place as (
    -- in two orders: of one cash point, and of all of a road
    select
        i.*,
        g.turn,
        case g.turn when 1 then coalesce(i.cash_point, 0) end as line,
        sum(i.net) over w as upto
    from item as i
    cross join (values (1), (2)) as g (turn)
    where i.run_max > 1
    window w as (
        partition by g.turn, i.road, case g.turn when 1 then coalesce(i.cash_point, 0) end order by i.day, i.expected
    )
),

-- each with those before it, as many as run_max may be: runs that end with it are ends of these arrays
tail as (
    select
        p.account,
        p.run_max,
        p.first_day,
        p.upto,
        array_agg(p.expected) over w as expected,
        array_agg(p.last_day) over w as last_days,
        array_agg(p.upto - p.net) over w as before
    from place as p
    window w as (
        partition by p.turn, p.road, p.line order by p.day, p.expected
        rows between 30 preceding and current row
    )
),

run as (
    select
        t.account,
        t.first_day,
        t.last_days[k.first_place] as last_day,
        t.upto - t.before[k.first_place] as net,
        t.expected[k.first_place:] as expected
    from tail as t
    cross join lateral generate_series(
        greatest(1, cardinality(t.expected) - t.run_max + 1), cardinality(t.expected) - 1
    ) as k (first_place)
),

fitting as (
    select
        e.entry,
        array[i.expected] as expected
    from entry as e
    inner join item as i
        on e.account = i.account and e.amount = i.net and e.booked_on between i.first_day and i.last_day
    union
    select
        e.entry,
        r.expected
    from entry as e
    inner join run as r
        on e.account = r.account and e.amount = r.net and e.booked_on between r.first_day and r.last_day
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
