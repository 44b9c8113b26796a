create or replace view bank.tolerance_match as
-- Equals together, as in bank.candidate: of each there are so many, and only what stands alone is suggested.
with entry as materialized (
    select
        e.account,
        e.booked_on,
        e.amount,
        min(e.entry) as entry,
        count(*) as entries
    from bank.open_entry as e
    where e.currency = 'NOK'
    group by e.account, e.booked_on, e.amount
),

item as materialized (
    select
        i.account,
        i.first_day,
        i.last_day,
        i.net,
        i.tolerance,
        min(i.expected) as expected,
        min(i.fee) as fee,
        min(i.route_name) as route_name,
        min(i.day) as day,
        count(*) as items
    from bank.open_expected as i
    where i.tolerance > 0
    group by i.account, i.first_day, i.last_day, i.net, i.tolerance
),

-- Amounts by steps as wide as any tolerance: an item meets the entries of its own step and of those beside it, and not
-- every entry of its days. Materialised, lest they meet before their steps are known.
step as materialized (
    select max(i.tolerance) as width
    from item as i
),

placed_entry as materialized (
    select
        e.*,
        floor(e.amount / s.width) as place
    from entry as e
    cross join step as s
),

placed_item as materialized (
    select
        i.*,
        generate_series(floor((i.net - i.tolerance) / s.width), floor((i.net + i.tolerance) / s.width)) as place
    from item as i
    cross join step as s
),

pair as materialized (
    select
        e.entry,
        i.expected,
        i.fee,
        i.route_name,
        i.day,
        e.amount - i.net as difference,
        sum(i.items) over (partition by e.entry) as of_entry,
        sum(e.entries) over (partition by i.expected) as of_item
    from placed_entry as e
    inner join placed_item as i
        on
            e.account = i.account and e.place = i.place and e.booked_on between i.first_day and i.last_day
            and e.amount between i.net - i.tolerance and i.net + i.tolerance
),

free as materialized (
    select
        c.entry,
        c.expected
    from bank.candidate as c
    where c.is_free and exists (select from pair)
)

select
    r.rule,
    array[p.entry] as entries,
    array[p.expected] as expected,
    p.fee,
    p.difference,
    format('An item of %s, %s, and the entry differ by NOK %s', p.route_name, p.day, p.difference) as reason
from pair as p
inner join bank.match_rule as r on r.rule = 'TOLERANCE' and r.enabled
where
    p.of_entry = 1 and p.of_item = 1 and p.difference <> 0
    and p.entry not in (select f.entry from free as f)
    and p.expected not in (
        select x.expected
        from free as f
        cross join lateral unnest(f.expected) as x (expected)
    )
    and not exists (
        select from bank.undone_pair as u
        where u.entry = p.entry and u.expected = p.expected
    )
    -- an entry that takes another back is no sale's money
    and not exists (
        select from bank.entry as e
        inner join bank.expected as x on p.expected = x.expected
        where e.entry = p.entry and e.is_reversal and not x.is_return
    );

comment on view bank.tolerance_match is
'What rule TOLERANCE would suggest: an entry and an item that differ, by no more than the route tolerates, where neither fits anything else. difference: NOK by which the entry is more.';
