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

named as materialized (
    select distinct
        p.payout,
        p.net,
        e.entry,
        e.amount
    from payout as p
    cross join lateral unnest(p.names) as n (name)
    inner join (
        select
            o.entry,
            o.account,
            o.amount,
            w.word
        from entry as o
        cross join lateral (
            select unnest(array[o.end_to_end, o.kid, o.bank_reference])
            union
            select regexp_split_to_table(o.entry_text, '[^[:alnum:]_-]+')
        ) as w (word)
        where w.word <> ''
    ) as e on p.account = e.account and n.name = e.word
),

-- What bears no payout's name, by amount and day. An entry that a person matched is a rival too: it may have been the
-- payout. One that names an item is that item's.
alike as (
    select
        p.payout,
        e.entry,
        o.entry is not null as is_open
    from payout as p
    inner join bank.entry as e
        on p.account = e.account and p.net = e.amount and e.booked_on between p.paid_on and p.paid_on + p.days_max
    left join entry as o on e.entry = o.entry
    where
        p.payout not in (select n.payout from named as n)
        and e.entry not in (select n.entry from named as n)
        and not exists (
            select from bank.entry_claim as c
            inner join bank.match as m on c.match = m.match
            where c.entry = e.entry and m.payout is not null
        )
        and not exists (
            select from unnest(array[e.end_to_end, e.kid]) as n (ref)
            inner join bank.expected as x on bank.reference_key(n.ref) = bank.reference_key(x.reference)
            inner join bank.road as r on x.road = r.road and e.account = r.account
            where n.ref <> '' and x.reference <> ''
        )
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
