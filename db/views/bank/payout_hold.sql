create or replace view bank.payout_hold as
with rule as materialized (
    select r.rule from bank.match_rule as r
    where r.rule = 'PAYOUT' and r.enabled
)

select
    e.entry,
    null::bigint as expected
from bank.payout_entry as e
inner join rule as r on true
where e.is_open
union all
select
    null,
    x.expected
from bank.payout_fit as f
inner join rule as r on true
cross join lateral unnest(f.expected) as x (expected);

comment on view bank.payout_hold is
'Entries that might be a payout, and items that are in one, which is not matched: no other rule takes them, a person does. Empty where rule PAYOUT is not enabled.';
