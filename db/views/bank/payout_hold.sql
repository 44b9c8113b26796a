create or replace view bank.payout_hold as
select
    e.entry,
    null::bigint as expected
from bank.payout_entry as e
where e.is_open and exists (select from bank.match_rule as r where r.rule = 'PAYOUT' and r.enabled)
union all
select
    null as entry,
    x.expected
from bank.payout_fit as f
cross join lateral unnest(f.held) as x (expected)
where exists (select from bank.match_rule as r where r.rule = 'PAYOUT' and r.enabled);

comment on view bank.payout_hold is
'Entries that might be a payout, and items that are or may be in one, which is not matched: no other rule takes them, a person does. Empty where rule PAYOUT is not enabled.';
