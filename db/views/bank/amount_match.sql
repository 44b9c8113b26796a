create or replace view bank.amount_match as
with candidate as materialized (
    select
        c.entry,
        c.expected,
        c.is_free,
        row_number() over (order by c.entry, c.expected) as candidate,
        count(*) over (partition by c.entry) as of_entry
    from bank.candidate as c
),

member as (
    select
        c.candidate,
        x.expected,
        count(*) over (partition by x.expected) as of_item
    from candidate as c
    cross join lateral unnest(c.expected) as x (expected)
),

single as (
    select
        c.entry,
        c.expected,
        sum(b.fee) as fee,
        count(*) as items,
        min(b.day) as first_day,
        max(b.day) as last_day,
        min(b.route_name) as route_name
    from candidate as c
    inner join member as m on c.candidate = m.candidate
    inner join bank.open_expected as b on m.expected = b.expected
    inner join bank.entry as e on c.entry = e.entry
    -- an entry that takes another back is no sale's money
    where c.of_entry = 1 and c.is_free and (not e.is_reversal or b.is_return)
    group by c.candidate, c.entry, c.expected
    having max(m.of_item) = 1 and count(*) = cardinality(c.expected)
),

-- What the entry names, matched already or not: who names one item does not pay another of the same amount.
name as materialized (
    select distinct
        e.entry,
        e.account,
        n.name
    from single as s
    inner join bank.entry as e on s.entry = e.entry
    -- a fence (offset 0): entry by entry, since a join would take all texts apart
    cross join lateral (
        select o.name
        from bank.entry_name as o
        where o.entry = s.entry and o.kind <> 'BANK'
        offset 0
    ) as n
),

naming as materialized (
    select
        n.entry,
        array_agg(x.expected) as expected
    from name as n
    -- word by word, by the index
    cross join lateral (
        select
            o.expected,
            o.route
        from bank.expected as o
        where o.reference_key = n.name and o.reference_key <> ''
        offset 0
    ) as x
    inner join bank.route as r on x.route = r.route and n.account = r.account
    group by n.entry
)

select
    r.rule,
    array[s.entry] as entries,
    s.expected,
    s.fee,
    0::numeric as difference,
    format(
        '%s of %s, %s, is the entry to the øre, and neither fits anything else',
        case s.items when 1 then '1 item' else s.items || ' items' end, s.route_name,
        case when s.first_day = s.last_day then s.first_day::text else s.first_day || ' to ' || s.last_day end
    ) as reason
from single as s
inner join bank.match_rule as r
    on r.rule = case when s.items > 1 then 'RUN' when s.fee <> 0 then 'NET' else 'AMOUNT' end
left join naming as n on s.entry = n.entry
where r.enabled and (n.entry is null or s.expected <@ n.expected);

comment on view bank.amount_match is
'What rules AMOUNT, NET and RUN would match: candidates of which neither the entry nor any item is in another one, and where the entry names no other item, and takes no other entry back. entries: the entry; expected: the items; fee: what the acquirer keeps back; difference: always 0.';
