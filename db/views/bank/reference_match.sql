create or replace view bank.reference_match as
with part as materialized (
    -- the payments in an entry, or the entry itself, of what is left of it
    select
        e.entry,
        e.account,
        e.amount as entry_amount,
        coalesce(d.detail, 0) as detail,
        case when d.entry is null then e.amount else d.amount end as amount,
        case when e.amount <> e.whole then 0 when d.entry is null then b.charge else d.charge end as charge
    from bank.open_entry as e
    inner join bank.entry as b on e.entry = b.entry
    left join bank.entry_detail as d
        on
            e.entry = d.entry and e.amount = e.whole
            and exists (select from bank.entry_detail as o where o.entry = d.entry and o.detail <> d.detail)
    where e.currency = 'NOK'
),

way as materialized (
    select r.rule
    from bank.match_rule as r
    where r.enabled and r.rule in ('REFERENCE', 'KID', 'CHARGE')
),

-- A dispute that was recorded of it: what it names is the payment that was disputed.
own as materialized (
    select
        p.entry,
        p.detail,
        p.account,
        p.amount,
        x.reference_key as name
    from part as p
    inner join bank.expected as x
        on x.reference = bank.dispute_name(p.entry, p.detail) and x.reference like 'BANK-ENTRY-%'
    where
        p.amount < 0 and x.amount < 0
        and exists (select from way as w where w.rule = 'REFERENCE')
),

-- What a payment names, once each. Of one that is by itself, what the entry names too.
name as materialized (
    select
        p.entry,
        p.detail,
        p.account,
        p.amount,
        n.reference_key as name,
        max(n.amount) as named_amount,
        -- the weaker of the two says how sure it is
        max(case n.kind when 'KID' then 'KID' else 'REFERENCE' end) as rule
    from part as p
    inner join bank.entry_reference as n on p.entry = n.entry and p.detail in (0, n.detail)
    where
        n.kind <> 'BANK' and n.reference_key <> ''
        and exists (select from way as w where w.rule = case n.kind when 'KID' then 'KID' else 'REFERENCE' end)
        and not exists (select from own as o where o.entry = p.entry and o.detail = p.detail)
    group by p.entry, p.detail, p.account, p.amount, n.reference_key
    union all
    select
        o.entry,
        o.detail,
        o.account,
        o.amount,
        o.name,
        null as named_amount,
        'REFERENCE' as rule
    from own as o
),

-- Any item that it names, of whatever amount: a name that two have does not count. A charge and its return name the same:
-- the side decides. What somebody took apart is named all the same.
hit as materialized (
    select
        n.entry,
        n.detail,
        n.rule,
        n.named_amount,
        x.expected,
        x.net,
        x.amount,
        x.fee,
        count(*) over (partition by n.entry, n.detail, n.name) as items,
        count(*) over (partition by x.expected) as parts
    from name as n
    inner join (
        select
            o.expected,
            o.account,
            o.amount,
            o.net,
            o.fee,
            o.reference_key
        from bank.open_expected as o
        where o.reference_key <> ''
    ) as x on n.account = x.account and n.name = x.reference_key and sign(n.amount) = sign(x.amount)
),

paid as (
    select
        h.entry,
        h.detail,
        array_agg(h.expected order by h.expected) as expected,
        sum(h.net) as net,
        sum(h.fee) as fee,
        min(h.rule) as rule
    from hit as h
    group by h.entry, h.detail
    having bool_and(h.items = 1 and h.parts = 1 and coalesce(h.named_amount in (h.net, h.amount), true))
),

whole as (
    select
        p.entry,
        p.entry_amount,
        count(*) as parts,
        sum(p.amount) as amount,
        count(c.expected) as matched,
        sum(c.fee + case when p.amount = c.net then 0 else p.charge end) as fee,
        case when bool_or(p.amount <> c.net) then 'CHARGE' else min(c.rule) end as rule
    from part as p
    left join paid as c
        on
            p.entry = c.entry and p.detail = c.detail
            and (
                p.amount = c.net
                or p.charge <> 0 and p.amount + p.charge = c.net and exists (select from way as w where w.rule = 'CHARGE')
            )
    group by p.entry, p.entry_amount
),

item as materialized (
    select
        c.entry,
        array_agg(x.expected order by x.expected) as expected
    from paid as c
    cross join lateral unnest(c.expected) as x (expected)
    group by c.entry
),

found as materialized (
    select
        w.*,
        i.expected
    from whole as w
    inner join item as i on w.entry = i.entry
    where w.parts = w.matched and w.amount = w.entry_amount
)

select
    w.rule,
    array[w.entry] as entries,
    w.expected,
    w.fee,
    0::numeric as difference,
    format(
        '%s payments in the entry name %s items, %s', w.parts, cardinality(w.expected),
        case when w.rule = 'CHARGE' then 'which they are with what the bank charged' else 'each to the øre' end
    ) as reason
from found as w
where
    not exists (
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
'What rules REFERENCE, KID and CHARGE would match: entries of which every payment names open items that come to its amount, less fee, each named by nothing else, and each of what the payment says is for it; of one that a dispute was recorded of (bank.record_disputes) the dispute''s; of an entry that takes another back, returns alone. KID where one of them is named by KID alone; CHARGE where it is the amount with what the bank charged, which is a fee. entries: the entry; expected: the items; fee: what the acquirer or bank keeps back; difference: always 0.';
