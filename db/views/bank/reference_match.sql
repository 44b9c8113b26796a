create or replace view bank.reference_match as
with part as materialized (
    -- the payments in an entry, or the entry itself
    select
        e.entry,
        e.account,
        e.amount as entry_amount,
        coalesce(d.detail, 0) as detail,
        case when d.entry is null then e.amount else d.amount end as amount,
        bank.reference_key(case when d.entry is null then e.end_to_end else d.end_to_end end) as end_to_end,
        bank.reference_key(case when d.entry is null then e.kid else d.kid end) as kid
    from bank.open_entry as e
    left join bank.entry_detail as d on e.entry = d.entry
    where e.currency = 'NOK'
),

way as materialized (
    select r.rule
    from bank.match_rule as r
    where r.enabled and r.rule in ('REFERENCE', 'KID')
),

name as (
    select
        p.entry,
        p.detail,
        p.account,
        p.amount,
        p.end_to_end as ref,
        'REFERENCE' as rule
    from part as p
    where p.end_to_end <> '' and exists (select from way as w where w.rule = 'REFERENCE')
    union all
    select
        p.entry,
        p.detail,
        p.account,
        p.amount,
        p.kid,
        'KID'
    from part as p
    where
        p.kid <> '' and exists (select from way as w where w.rule = 'KID')
        and (p.kid <> p.end_to_end or not exists (select from way as w where w.rule = 'REFERENCE'))
),

-- Any item that it names, of whatever amount: a name that two have does not count. A charge and its return name the same:
-- the side decides. What somebody took apart is named all the same.
hit as materialized (
    select
        n.entry,
        n.detail,
        n.rule,
        n.amount,
        x.expected,
        x.net,
        x.fee
    from name as n
    inner join (
        select
            o.expected,
            o.account,
            o.amount,
            o.net,
            o.fee,
            bank.reference_key(o.reference) as ref
        from bank.open_expected as o
        where o.reference <> ''
    ) as x on n.account = x.account and n.ref = x.ref and sign(n.amount) = sign(x.amount)
),

counted as (
    select
        h.*,
        count(*) over (partition by h.entry, h.detail) as items,
        count(*) over (partition by h.expected) as parts
    from hit as h
),

whole as (
    select
        p.entry,
        p.entry_amount,
        count(*) as parts,
        sum(p.amount) as amount,
        count(c.expected) as matched,
        array_agg(c.expected order by c.expected) as expected,
        sum(c.fee) as fee,
        min(c.rule) as rule -- KID before REFERENCE: the weaker of the two says how sure it is
    from part as p
    left join counted as c
        on p.entry = c.entry and p.detail = c.detail and c.items = 1 and c.parts = 1 and p.amount = c.net
    group by p.entry, p.entry_amount
)

select
    w.rule,
    array[w.entry] as entries,
    w.expected,
    w.fee,
    0::numeric as difference,
    format('%s payments in the entry name as many items, each to the øre', w.parts) as reason
from whole as w
where
    w.parts = w.matched and w.amount = w.entry_amount
    and not exists (
        select from bank.undone_pair as u
        where u.entry = w.entry and u.expected = any(w.expected)
    )
    -- an entry that takes another back is no sale's money
    and not exists (
        select from bank.entry as e
        inner join bank.expected as x on x.expected = any(w.expected)
        where e.entry = w.entry and e.is_reversal and not x.is_return
    );

comment on view bank.reference_match is
'What rules REFERENCE and KID would match: entries of which every payment names one open item of its amount, less fee, that nothing else names; of an entry that takes another back, returns alone. KID where one of them is named by KID alone. entries: the entry; expected: the items; fee: what the acquirer keeps back; difference: always 0.';
