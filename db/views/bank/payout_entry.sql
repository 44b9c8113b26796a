create or replace view bank.payout_entry as
with payout as materialized (
    select * from bank.open_payout
    where net <> 0
),

entry as materialized (
    select e.*
    from bank.open_entry as e
    where e.currency = 'NOK' and e.account in (select p.account from payout as p)
),

-- Both materialized, lest payouts meet entries before the words are known: all with all
name as materialized (
    select
        p.payout,
        p.account,
        p.net,
        n.name
    from payout as p
    cross join lateral unnest(p.names) as n (name)
),

word as materialized (
    select
        e.entry,
        e.account,
        e.amount,
        w.word
    from entry as e
    cross join lateral (
        select unnest(array[e.end_to_end, e.kid, e.bank_reference])
        union all
        select regexp_split_to_table(e.entry_text, '[^[:alnum:]_-]+')
    ) as w (word)
    where w.word <> ''
),

named as materialized (
    select distinct
        n.payout,
        n.net,
        w.entry,
        w.amount
    from name as n
    inner join word as w on n.account = w.account and n.name = w.word
),

-- What bears no payout's name, by amount and day. An entry that a person matched is a rival too: it may have been the
-- payout. One that names an item is that item's.
alike as materialized (
    select
        p.payout,
        e.entry,
        e.account,
        array[e.end_to_end, e.kid] as refs,
        o.entry is not null as is_open
    from payout as p
    inner join bank.entry as e
        on p.account = e.account and p.net = e.amount and e.booked_on between p.paid_on and p.paid_on + p.days_max
    left join entry as o on e.entry = o.entry
    where
        p.payout not in (select n.payout from named as n)
        and e.entry not in (select n.entry from named as n)
        and e.entry not in (
            select c.entry from bank.match as m
            inner join bank.entry_claim as c on m.match = c.match
            where m.payout is not null
        )
),

-- Zeros as in bank.reference_key, which whoever reads the reports may not call.
itself as materialized (
    select a.entry
    from (
        select distinct
            l.entry,
            l.account,
            n.ref
        from alike as l
        cross join lateral unnest(l.refs) as n (ref)
        where n.ref <> ''
    ) as a
    inner join bank.expected as x on ltrim(a.ref, '0') = ltrim(x.reference, '0')
    inner join bank.road as r on x.road = r.road and a.account = r.account
    where x.reference <> ''
),

fitting as (
    select
        n.payout,
        n.entry,
        true as is_named,
        true as is_open
    from named as n
    where n.amount = n.net
    union all
    select
        a.payout,
        a.entry,
        false,
        a.is_open
    from alike as a
    where a.entry not in (select i.entry from itself as i)
)

select
    f.payout,
    f.entry,
    f.is_named,
    f.is_open,
    true as fits,
    f.is_open and count(*) over (partition by f.payout) = 1 and count(*) over (partition by f.entry) = 1 as is_only
from fitting as f
union all
select
    n.payout,
    n.entry,
    true,
    true,
    false,
    false
from named as n
where n.amount <> n.net;

comment on view bank.payout_entry is
'Which entries might be which payout that is not matched: those that name it (is_named), as references or as a word of their text, or, where none does and they name nothing else, those of its amount, booked within the road''s days of when it was paid. fits: the amount is the payout''s; is_only: no other entry fits the payout, the entry no other payout, and it is open.';
