create or replace view bank.reversal_reach as
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
),

pair as materialized (
    select
        r.entry as reversal,
        o.entry,
        c.match,
        c.match is null as is_open,
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
    -- all of it open, or all of it in one match
    left join bank.entry_claim as c on o.entry = c.entry
    where
        c.entry is null
        -- what was paired with another reversal, or struck off, is settled
        or o.amount = c.amount and exists (select from bank.match_expected as x where x.match = c.match)
)

select
    p.reversal,
    p.entry,
    p.match,
    p.is_open,
    p.is_named
from (
    select
        p.*,
        bool_or(p.is_named) over (partition by p.reversal, p.is_open) as any_named
    from pair as p
) as p
-- who names another one is not taken back
where p.is_named or not p.any_named and not p.both_named;

comment on view bank.reversal_reach is
'Which entry an open one (reversal) may take back: of the opposite amount, on the same account, booked in the 60 days before it, and all of it open (is_open), or all of it in one match with items (match). Of the open ones, and of the others: those that share a reference with it (is_named), or, where none does, any that does not name another. The one place that says so: bank.reversal_pair pairs the open ones, bank.reversed_match shows the matched.';
