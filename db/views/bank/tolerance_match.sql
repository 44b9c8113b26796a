create or replace view bank.tolerance_match as
with pair as materialized (
    select
        e.entry,
        i.expected,
        i.fee,
        i.road_name,
        i.day,
        e.amount - i.net as difference,
        count(*) over (partition by e.entry) as of_entry,
        count(*) over (partition by i.expected) as of_item
    from bank.open_entry as e
    inner join bank.open_expected as i
        on
            e.account = i.account and e.booked_on between i.first_day and i.last_day
            and e.amount between i.net - i.tolerance and i.net + i.tolerance
    where e.currency = 'NOK' and i.tolerance > 0
)

select
    r.rule,
    array[p.entry] as entries,
    array[p.expected] as expected,
    p.fee,
    p.difference,
    format('An item of %s, %s, and the entry differ by NOK %s', p.road_name, p.day, p.difference) as reason
from pair as p
inner join bank.match_rule as r on r.rule = 'TOLERANCE' and r.enabled
where
    p.of_entry = 1 and p.of_item = 1 and p.difference <> 0
    and not exists (
        select from bank.candidate as c
        where c.is_free and (c.entry = p.entry or p.expected = any(c.expected))
    )
    and not exists (
        select from bank.undone_pair as u
        where u.entry = p.entry and u.expected = p.expected
    );

comment on view bank.tolerance_match is
'What rule TOLERANCE would suggest: an entry and an item that differ, by no more than the road tolerates, where neither fits anything else. difference: NOK by which the entry is more.';
