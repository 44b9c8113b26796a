create or replace view bank.split_match as
with item as materialized (
    select * from bank.open_expected
),

-- the entries that could be an item of those days: some, not many
pool as materialized (
    select
        d.account,
        d.first_day,
        d.last_day,
        array_agg(e.entry order by e.entry) as entries,
        array_agg(e.amount order by e.entry) as amounts
    from (select distinct i.account, i.first_day, i.last_day from item as i) as d
    inner join bank.open_entry as e
        on d.account = e.account and e.booked_on between d.first_day and d.last_day and e.currency = 'NOK'
    group by d.account, d.first_day, d.last_day
    having count(*) between 2 and 16
),

found as materialized (
    select
        i.expected,
        i.route_name,
        i.day,
        i.fee,
        array(select p.entries[n] from unnest(s.places) as n) as entries
    from pool as p
    cross join lateral bank.few_sums(p.amounts, -1) as s
    inner join item as i
        on
            p.account = i.account and p.first_day = i.first_day and p.last_day = i.last_day
            and s.amount = i.net
),

single as (
    select
        f.*,
        count(*) over (partition by f.expected) as sums
    from found as f
),

claimed as (
    select
        m.entry,
        count(distinct f.expected) as items
    from found as f
    cross join lateral unnest(f.entries) as m (entry)
    group by m.entry
)

select
    r.rule,
    s.entries,
    array[s.expected] as expected,
    s.fee,
    0::numeric as difference,
    format('%s entries come to an item of %s, %s, and no other few do', cardinality(s.entries), s.route_name, s.day) as reason
from single as s
inner join bank.match_rule as r on r.rule = 'SPLIT' and r.enabled
where
    s.sums = 1 and cardinality(s.entries) > 1
    and not exists (
        select from bank.candidate as c
        where c.is_free and (c.entry = any(s.entries) or s.expected = any(c.expected))
    )
    and not exists (
        select from claimed as c
        where c.entry = any(s.entries) and c.items > 1
    )
    and not exists (
        select from bank.undone_pair as u
        where u.entry = any(s.entries) and u.expected = s.expected
    );

comment on view bank.split_match is
'What rule SPLIT would suggest: two to four of at most sixteen open entries within an item''s days that come to it, less its fee, where no other such sum is it and nothing else fits. Shape as bank.reference_match.';
