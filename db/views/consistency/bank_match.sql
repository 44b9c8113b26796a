create or replace view consistency.bank_match as
select
    'does not balance' as problem,
    b.match,
    null::bigint as entry,
    null::bigint as expected
from (
    -- all at once: bank.balance is for a few
    select
        p.match,
        sum(p.difference) as difference,
        sum(p.parts) as parts,
        max(p.currency) as currency
    from (
        select
            c.match,
            c.amount as difference,
            1 as parts,
            nullif(a.currency, 'NOK') as currency
        from bank.match_entry as c
        inner join bank.entry as e on c.entry = e.entry
        inner join bank.account as a on e.account = a.account
        where not c.is_release
        union all
        select
            c.match,
            -c.amount,
            1,
            null
        from bank.match_expected as c
        where not c.is_release
        union all
        select
            l.match,
            -l.amount,
            0,
            null
        from bank.match_line as l
        union all
        select
            m.match,
            0,
            0,
            null
        from bank.match as m
    ) as p
    group by p.match
) as b
where b.difference <> 0 or b.parts = 0 or b.currency is not null
union all
select
    'more is taken than there is of an entry',
    max(c.match),
    c.entry,
    null
from bank.entry_claim as c
inner join bank.entry as e on c.entry = e.entry
group by c.entry, e.amount
having sum(c.amount) * sign(e.amount) not between 0 and abs(e.amount) or count(*) > 1 and e.amount = 0
union all
select
    'more is taken than there is of an item',
    max(c.match),
    null,
    c.expected
from bank.expected_claim as c
inner join bank.expected as x on c.expected = x.expected
group by c.expected, x.amount
having sum(c.amount) * sign(x.amount) not between 0 and abs(x.amount) or count(*) > 1 and x.amount = 0
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
    'a difference is approved without a reason',
    l.match,
    null,
    null
from bank.match_line as l
inner join bank.match_approval as a on l.match = a.match
where l.kind = 'DIFFERENCE' and coalesce(a.reason, '') = '';

comment on view consistency.bank_match is
'Matches balance, entries = items + lines; no more of an entry or item is in them than there is, and nothing in one that is undone; and whoever approves a difference says why.';
