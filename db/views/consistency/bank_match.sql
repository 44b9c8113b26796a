create or replace view consistency.bank_match as
select
    'does not balance' as problem,
    b.match,
    null::bigint as entry,
    null::bigint as expected
from bank.balance as b
where b.entries <> b.expected + b.lines or b.parts = 0 or b.currency is not null
union all
select
    'an entry is in two matches',
    max(c.match),
    c.entry,
    null
from bank.entry_claim as c
group by c.entry
having count(*) > 1
union all
select
    'an item is in two matches',
    max(c.match),
    null,
    c.expected
from bank.expected_claim as c
group by c.expected
having count(*) > 1
union all
select
    'undone, and holds an entry',
    c.match,
    c.entry,
    null
from bank.entry_claim as c
inner join bank.match_undo as u on c.match = u.match
union all
select
    'undone, and holds an item',
    c.match,
    null,
    c.expected
from bank.expected_claim as c
inner join bank.match_undo as u on c.match = u.match
union all
select
    'a difference is confirmed without a reason',
    l.match,
    null,
    null
from bank.match_line as l
inner join bank.match_approval as a on l.match = a.match
where l.kind = 'DIFFERENCE' and coalesce(a.reason, '') = '';

comment on view consistency.bank_match is
'Matches balance, entries = items + lines; each entry and item is in one at most, and in none that is undone; and whoever confirms a difference says why.';
