create or replace view bank.reference_match as
with part as materialized (
    -- the payments in an entry, or the entry itself
    select
        e.entry,
        e.account,
        e.amount as entry_amount,
        coalesce(d.detail, 0) as detail,
        case when d.entry is null then e.amount else d.amount end as amount,
        case when d.entry is null then array[e.end_to_end, e.kid] else array[d.end_to_end, d.kid] end as refs
    from bank.open_entry as e
    left join bank.entry_detail as d on e.entry = d.entry
    where e.currency = 'NOK'
),

-- any item that it names, of whatever amount: a name that two have is no name
hit as materialized (
    select distinct
        p.entry,
        p.detail,
        p.amount,
        x.expected,
        x.net,
        x.amount as gross,
        x.fee
    from part as p
    cross join lateral unnest(p.refs) as n (ref)
    inner join bank.open_expected as x on p.account = x.account and n.ref = x.reference
    where n.ref <> '' and not exists (
        select from bank.undone_pair as u
        where u.entry = p.entry and u.expected = x.expected
    )
),

-- a charge and its return name the same: the side decides
counted as (
    select
        h.*,
        count(*) over (partition by h.entry, h.detail) as items,
        count(*) over (partition by h.expected) as parts
    from hit as h
    where sign(h.amount) = sign(h.gross)
),

whole as (
    select
        p.entry,
        p.entry_amount,
        count(*) as parts,
        sum(p.amount) as amount,
        count(c.expected) as matched,
        array_agg(c.expected order by c.expected) as expected,
        sum(c.fee) as fee
    from part as p
    left join counted as c
        on p.entry = c.entry and p.detail = c.detail and c.items = 1 and c.parts = 1 and p.amount = c.net
    group by p.entry, p.entry_amount
)

select
    r.rule,
    array[w.entry] as entries,
    w.expected,
    w.fee,
    0::numeric as difference,
    format('%s payments in the entry name as many items, each to the øre', w.parts) as reason
from whole as w
inner join bank.match_rule as r on r.rule = 'REFERENCE' and r.enabled
where w.parts = w.matched and w.amount = w.entry_amount;

comment on view bank.reference_match is
'What rule REFERENCE would match: entries of which every payment names one open item of its amount, less fee, that nothing else names. entries: the entry; expected: the items; fee: what the acquirer keeps back; difference: always 0.';
