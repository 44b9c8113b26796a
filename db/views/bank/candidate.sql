create or replace view bank.candidate as
with entry as materialized (
    select
        e.entry,
        e.account,
        e.amount,
        e.booked_on,
        -- what somebody took apart is looked at by itself
        case when exists (select from bank.undone_pair as u where u.entry = e.entry) then e.entry end as alone
    from bank.open_entry as e
    where e.currency = 'NOK'
),

-- those of the days that there are entries of
item as materialized (
    select x.*
    from (
        select
            e.account,
            min(e.booked_on) as first_day,
            max(e.booked_on) as last_day
        from entry as e
        group by e.account
    ) as d
    inner join bank.open_expected as x
        on d.account = x.account and x.last_day >= d.first_day and x.first_day <= d.last_day
),

-- Equals together: of a thousand payments of one price each could be each of a thousand deposits, and nobody wants the
-- million. An entry has two of them, or the one that there is; an item has one entry at least.
equal_entry as materialized (
    select
        e.account,
        e.amount,
        e.booked_on,
        array_agg(e.entry order by e.entry) as entries
    from entry as e
    group by e.account, e.amount, e.booked_on, e.alone
),

equal_item as materialized (
    select
        i.account,
        i.net,
        i.first_day,
        i.last_day,
        array_agg(i.expected order by i.expected) as items
    from (
        select
            o.*,
            case when exists (select from bank.undone_pair as u where u.expected = o.expected) then o.expected end as alone
        from item as o
        where exists (select from entry as e where e.account = o.account and e.amount = o.net)
    ) as i
    group by i.account, i.net, i.first_day, i.last_day, i.alone
),

equal as materialized (
    select
        e.entries,
        i.items,
        row_number() over (partition by i.items[1] order by e.entries[1]) as turn
    from equal_entry as e
    inner join equal_item as i
        on e.account = i.account and e.amount = i.net and e.booked_on between i.first_day and i.last_day
),

place as materialized (
    -- in two orders: of one cash point, and of all of a route
    select
        i.*,
        dense_rank() over (order by g.turn, i.route, case g.turn when 1 then coalesce(i.cash_point, 0) end) as line,
        row_number() over w as n,
        sum(i.net) over w as upto
    from item as i
    cross join (values (1), (2)) as g (turn)
    where i.run_max > 1
    window w as (
        partition by g.turn, i.route, case g.turn when 1 then coalesce(i.cash_point, 0) end order by i.day, i.expected
    )
),

-- Up to run_max that follow each other: where it begins and ends. Materialised, lest entries meet places before their
-- amounts are known: all with all. Which items it has is looked up for those that fit.
run as materialized (
    select
        b.line,
        b.n as first_n,
        e.n as last_n,
        b.account,
        e.first_day,
        b.last_day,
        e.upto - b.upto + b.net as net
    from place as e
    cross join lateral generate_series(e.n - e.run_max + 1, e.n - 1) as k (n)
    inner join place as b on e.line = b.line and b.n = k.n
),

fitting as (
    select
        e.entry,
        array[i.expected] as expected
    from equal as q
    cross join lateral unnest(q.entries) as e (entry)
    cross join lateral unnest(q.items[:2]) as i (expected)
    union
    select
        q.entries[1],
        array[i.expected]
    from equal as q
    cross join lateral unnest(q.items) as i (expected)
    where q.turn = 1
    union
    select
        h.entry,
        array_agg(p.expected order by h.n) as expected
    from (
        select
            e.entry,
            r.line,
            r.first_n,
            r.last_n,
            generate_series(r.first_n, r.last_n) as n
        from entry as e
        inner join run as r
            on e.account = r.account and e.amount = r.net and e.booked_on between r.first_day and r.last_day
    ) as h
    inner join place as p on h.line = p.line and h.n = p.n
    group by h.entry, h.line, h.first_n, h.last_n
),

apart as materialized (
    select distinct
        f.entry,
        f.expected
    from fitting as f
    inner join bank.undone_pair as u on f.entry = u.entry and u.expected = any(f.expected)
),

suggested as materialized (
    select m.match
    from bank.match as m
    where
        not exists (select from bank.match_approval as a where a.match = m.match)
        and not exists (select from bank.match_undo as u where u.match = m.match)
)

-- What is taken apart, or suggested, leaves the others no surer: it counts, and is not matched.
select
    f.entry,
    f.expected,
    a.entry is null as is_free
from fitting as f
left join apart as a on f.entry = a.entry and f.expected = a.expected
union all
select
    e.entry,
    array[x.expected] as expected,
    false as is_free
from suggested as g
inner join bank.match_expected as c on g.match = c.match
inner join bank.expected as x on c.expected = x.expected
inner join bank.route as r on x.route = r.route
inner join entry as e
    on
        r.account = e.account and x.amount - x.fee = e.amount
        and e.booked_on between x.day + r.days_min and x.day + r.days_max
union all
select
    b.entry,
    array[i.expected] as expected,
    false as is_free
from suggested as g
inner join bank.match_entry as c on g.match = c.match
inner join bank.entry as b on c.entry = b.entry
inner join item as i
    on b.account = i.account and b.amount = i.net and b.booked_on between i.first_day and i.last_day;

comment on view bank.candidate is
'Which open items might be which open entry, by amount and day: one item, or up to run_max of one route that follow each other, of one cash point or of all, whose sum less fees is the entry. Several rows of an entry or of an item: nobody can tell which, and no rule guesses. Of many that are equal, each entry has two rows, and each item one at least. is_free: false where somebody took the two apart, or an entry or item is in a match that is only suggested: it counts, so that the others are no surer for it, and no rule takes it.';
