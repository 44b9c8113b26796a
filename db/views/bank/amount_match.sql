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
        min(r.road_name) as road_name
    from candidate as c
    inner join member as m on c.candidate = m.candidate
    inner join bank.expected as b on m.expected = b.expected
    inner join bank.road as r on b.road = r.road
    where c.of_entry = 1 and c.is_free
    group by c.candidate, c.entry, c.expected
    having max(m.of_item) = 1
)

select
    r.rule,
    array[s.entry] as entries,
    s.expected,
    s.fee,
    0::numeric as difference,
    format(
        '%s of %s, %s, is the entry to the øre, and neither fits anything else',
        case s.items when 1 then '1 item' else s.items || ' items' end, s.road_name,
        case when s.first_day = s.last_day then s.first_day::text else s.first_day || ' to ' || s.last_day end
    ) as reason
from single as s
inner join bank.match_rule as r
    on r.rule = case when s.items > 1 then 'RUN' when s.fee <> 0 then 'NET' else 'AMOUNT' end
where r.enabled;

comment on view bank.amount_match is
'What rules AMOUNT, NET and RUN would match: candidates of which neither the entry nor any item is in another one. entries: the entry; expected: the items; fee: what the acquirer keeps back; difference: always 0.';
