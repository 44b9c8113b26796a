create or replace view bank.reversal_pair as
with reversal as materialized (
    select e.*
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
        r.booked_on - o.booked_on as days,
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
    inner join bank.open_entry as o
        on
            r.account = o.account and o.amount = -r.amount and o.amount = o.whole and not o.is_reversal
            and o.booked_on between r.booked_on - 60 and r.booked_on
),

likely as materialized (
    select
        p.reversal,
        p.entry,
        p.is_named
    from (
        select
            p.*,
            bool_or(p.is_named) over (partition by p.reversal) as any_named
        from pair as p
    ) as p
    -- who names another one is not taken back
    where p.is_named or not p.any_named and not p.both_named
)

select
    l.reversal,
    l.entry,
    l.is_named,
    count(*) over (partition by l.reversal) = 1 and count(*) over (partition by l.entry) = 1
    -- what somebody took apart stays so
    and not exists (
        select from bank.match_entry as a
        inner join bank.match_entry as b on a.match = b.match and b.is_release and b.entry = l.entry
        where a.entry = l.reversal and a.is_release
    ) as is_only
from likely as l;

comment on view bank.reversal_pair is
'Which open entry an open one (reversal) may take back: of the opposite amount, on the same account, booked in the 60 days before it; those that share a reference with it (is_named), or, where none does, any that does not name another. is_only: neither can be anything else.';
