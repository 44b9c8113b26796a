create or replace view bank.balance as
select
    m.match,
    e.amount as entries,
    x.amount as expected,
    l.amount as lines,
    e.parts + x.parts as parts,
    e.currency
from bank.match as m
cross join lateral (
    select
        coalesce(sum(c.amount), 0) as amount,
        count(*) as parts,
        max(a.currency) filter (where a.currency <> 'NOK') as currency
    from bank.match_entry as c
    inner join bank.entry as b on c.entry = b.entry
    inner join bank.account as a on b.account = a.account
    where c.match = m.match and not c.is_release
) as e
cross join lateral (
    select
        coalesce(sum(c.amount), 0) as amount,
        count(*) as parts
    from bank.match_expected as c
    where c.match = m.match and not c.is_release
) as x
cross join lateral (
    select coalesce(sum(b.amount), 0) as amount
    from bank.match_line as b
    where b.match = m.match
) as l;

comment on view bank.balance is
'What the entries, the items and the lines of each match come to, of each the part that it has, NOK: entries = expected + lines. parts: how many entries and items it has; currency: one that is not NOK among them, null: none.';
