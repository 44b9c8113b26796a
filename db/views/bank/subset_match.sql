create or replace view bank.subset_match as
with entry as materialized (
    select
        e.entry,
        e.account,
        e.amount,
        e.booked_on
    from bank.open_entry as e
    where e.currency = 'NOK'
),

-- the items of a route that could come on a day: some, not many
pool as materialized (
    select
        d.account,
        d.booked_on,
        i.route_name,
        array_agg(i.expected order by i.day, i.expected) as expected,
        array_agg(i.net order by i.day, i.expected) as nets
    from (select distinct e.account, e.booked_on from entry as e) as d
    inner join bank.open_expected as i
        on d.account = i.account and d.booked_on between i.first_day and i.last_day and i.run_max > 1
    group by d.account, d.booked_on, i.route_name
    having count(*) between 2 and 16
),

found as materialized (
    select
        e.entry,
        p.route_name,
        cardinality(p.expected) as pool,
        array(select p.expected[n] from unnest(s.places) as n) as expected
    from pool as p
    cross join lateral bank.few_sums(p.nets, 2) as s
    inner join entry as e on p.account = e.account and p.booked_on = e.booked_on and s.amount = e.amount
),

single as (
    select
        f.*,
        count(*) over (partition by f.entry) as sums
    from found as f
),

claimed as (
    select
        m.expected,
        count(distinct f.entry) as entries
    from found as f
    cross join lateral unnest(f.expected) as m (expected)
    group by m.expected
)

select
    r.rule,
    array[s.entry] as entries,
    s.expected,
    t.fee,
    0::numeric as difference,
    format(
        '%s items of %s, of %s within its days, come to the entry, and no other few of them do',
        cardinality(s.expected), s.route_name, s.pool
    ) as reason
from single as s
inner join bank.match_rule as r on r.rule = 'SUBSET' and r.enabled
cross join lateral (
    select sum(x.fee) as fee
    from bank.open_expected as x
    where x.expected = any(s.expected)
) as t
where
    s.sums = 1 and cardinality(s.expected) > 1
    and not exists (
        select from bank.candidate as c
        where c.is_free and (c.entry = s.entry or c.expected && s.expected)
    )
    and not exists (
        select from claimed as c
        where c.expected = any(s.expected) and c.entries > 1
    )
    and not exists (
        select from bank.undone_pair as u
        where u.entry = s.entry and u.expected = any(s.expected)
    )
    -- an entry that takes another back is no sale's money
    and not exists (
        select from bank.entry as e
        inner join bank.expected as x on x.expected = any(s.expected)
        where e.entry = s.entry and e.is_reversal and not x.is_return
    );

comment on view bank.subset_match is
'What rule SUBSET would suggest: an entry that is the sum, less fees, of two to four of at most sixteen open items of a route within its days, or of all but one or two of them, where no other such sum is it and nothing else fits. Shape as bank.reference_match.';
