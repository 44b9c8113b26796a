create or replace view bank.reversed_match as
with reversal as materialized (
    select
        e.entry,
        e.account,
        e.booked_on,
        e.amount
    from bank.open_entry as e
    where
        e.is_reversal and e.amount = e.whole and e.currency = 'NOK'
        -- what comes back of the marketplace is expected
        and not exists (
            select from bank.open_expected as x
            where
                x.is_return and x.account = e.account and x.net = e.amount
                and e.booked_on between x.first_day and x.last_day
        )
        and not exists (select from bank.reversal_pair as p where p.reversal = e.entry)
),

pair as materialized (
    select
        r.entry as reversal,
        o.entry,
        c.match,
        exists (
            select from bank.entry_reference as a
            inner join bank.entry_reference as b on a.reference_key = b.reference_key
            where a.entry = r.entry and b.entry = o.entry and a.reference_key <> ''
        ) as is_named,
        exists (
            select from bank.entry_reference as a
            where a.entry = r.entry and a.kind in ('KID', 'END_TO_END') and a.reference_key <> ''
        )
        and exists (
            select from bank.entry_reference as b
            where b.entry = o.entry and b.kind in ('KID', 'END_TO_END') and b.reference_key <> ''
        ) as both_named
    from reversal as r
    inner join bank.entry as o
        on
            r.account = o.account and o.amount = -r.amount and not o.is_reversal
            and o.booked_on between r.booked_on - 60 and r.booked_on
    inner join bank.entry_claim as c on o.entry = c.entry and o.amount = c.amount
    -- what was paired with another reversal, or struck off, is settled
    where exists (select from bank.match_expected as x where x.match = c.match)
),

likely as materialized (
    select
        p.reversal,
        p.entry,
        p.match,
        p.is_named
    from (
        select
            p.*,
            bool_or(p.is_named) over (partition by p.reversal) as any_named
        from pair as p
    ) as p
    where p.is_named or not p.any_named and not p.both_named
)

select
    l.reversal,
    l.entry,
    l.match,
    m.rule,
    l.is_named,
    -- a rule's match of this entry alone, where nothing else can be meant: what a person matched, a person undoes
    l.is_named and m.rule <> 'PERSON'
    and count(*) over (partition by l.reversal) = 1 and count(*) over (partition by l.entry) = 1
    and (select count(*) from bank.match_entry as c where c.match = l.match) = 1 as is_undone_by_rule
from likely as l
inner join bank.match as m on l.match = m.match;

comment on view bank.reversed_match is
'Matches of a deposit with items, which an open entry (reversal) may take back: of the opposite amount, on the same account, booked in the 60 days after it. is_named: they share a reference; else no other is named. is_undone_by_rule: rule REVERSAL undoes the match, and pairs the two.';
