create or replace view bank.payout_entry as
with payout as materialized (
    select * from bank.open_payout
    where net <> 0
),

-- Of all payouts: who names one that is matched is no other's. What is short or has no digit is a word as any other.
name as materialized (
    select
        p.payout,
        r.account,
        p.net,
        bank.reference_key(n.name) as name
    from bank.payout as p
    inner join bank.route as r on p.route = r.route
    cross join lateral unnest(p.names) as n (name)
    where
        length(n.name) >= 4 and n.name ~ '[0-9]'
        and not exists (select from bank.payout_withdrawal as w where w.payout = p.payout)
),

-- What a person matched may have been the payout: of the days of those that are open it is looked at too.
entry as materialized (
    select
        e.*,
        coalesce(o.amount = o.whole, false) as is_open
    from bank.entry as e
    left join bank.open_entry as o on e.entry = o.entry
    left join (
        select
            p.account,
            min(p.paid_on) as first_day,
            max(p.paid_on + p.days_max) as last_day
        from payout as p
        group by p.account
    ) as d on e.account = d.account
    where
        e.account in (select n.account from name as n union all select p.account from payout as p)
        and (
            o.entry is not null
            or e.booked_on between d.first_day and d.last_day
            and e.entry not in (
                select c.entry from bank.match as m
                inner join bank.entry_claim as c on m.match = c.match
                where m.payout is not null
            )
        )
),

-- Materialized, as name is, lest payouts meet entries before the words are known: all with all
word as materialized (
    select
        e.entry,
        e.account,
        e.amount,
        e.is_reversal,
        e.is_open,
        n.name as word
    from entry as e
    -- as in bank.amount_match
    cross join lateral (
        select o.name
        from bank.entry_name as o
        where o.entry = e.entry
        offset 0
    ) as n
),

named as materialized (
    select
        d.*,
        count(*) over (partition by d.entry) as payouts
    from (
        select distinct
            n.payout,
            n.net,
            w.entry,
            w.amount,
            w.is_open,
            w.is_reversal
        from name as n
        inner join word as w on n.account = w.account and n.name = w.word
    ) as d
),

-- Materialized for the same reason
equal as materialized (
    select e.*
    from entry as e
    where (e.account, e.amount) in (select p.account, p.net from payout as p)
),

-- What bears no payout's name, by amount and day: of what a person matched too, which may have been the payout. One
-- that names an item is that item's.
alike as materialized (
    select
        p.payout,
        e.entry,
        e.account,
        e.is_open,
        e.is_reversal
    from payout as p
    inner join equal as e
        on p.account = e.account and p.net = e.amount and e.booked_on between p.paid_on and p.paid_on + p.days_max
    where
        p.payout not in (select n.payout from named as n)
        and e.entry not in (select n.entry from named as n)
),

-- As in bank.amount_match
itself as materialized (
    select distinct a.entry
    from alike as a
    cross join lateral (
        select o.name
        from bank.entry_name as o
        where o.entry = a.entry and o.kind <> 'BANK'
        offset 0
    ) as n
    inner join bank.expected as x on n.name = x.reference_key
    inner join bank.route as r on x.route = r.route and a.account = r.account
    where x.reference_key <> ''
),

fitting as (
    select
        n.payout,
        n.entry,
        true as is_named,
        n.is_open,
        n.is_reversal or n.payouts > 1 as is_doubtful
    from named as n
    where n.amount = n.net and n.payout in (select p.payout from payout as p)
    union all
    select
        a.payout,
        a.entry,
        false,
        a.is_open,
        a.is_reversal
    from alike as a
    where a.entry not in (select i.entry from itself as i)
)

select
    f.payout,
    f.entry,
    f.is_named,
    f.is_open,
    true as fits,
    f.is_open and not f.is_doubtful
    and count(*) over (partition by f.payout) = 1 and count(*) over (partition by f.entry) = 1 as is_only
from fitting as f
union all
select
    n.payout,
    n.entry,
    true,
    n.is_open,
    false,
    false
from named as n
where n.amount <> n.net or n.payout not in (select p.payout from payout as p);

comment on view bank.payout_entry is
'Which entries might be which payout: those that name it (is_named), as references or in their text (bank.entry_name), by four characters and a digit at least, or, where none does and they name nothing else, those of its amount, booked within the route''s days of when it was paid. fits: the payout is not matched, and the amount is its; is_open: false where a person matched it elsewhere; is_only: no other entry fits the payout, the entry no other payout, names no other, takes no other entry back, and is open.';
