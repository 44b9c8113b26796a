create or replace view bank.text_match as
with name as materialized (
    select distinct
        e.entry,
        e.account,
        e.amount,
        n.name
    from bank.open_entry as e
    -- as in bank.amount_match
    cross join lateral (
        select o.name
        from bank.entry_name as o
        where o.entry = e.entry and o.kind = 'TEXT'
        offset 0
    ) as n
    where
        e.currency = 'NOK'
        -- of one payment: in a batch nobody can tell whose the words are
        and not exists (select from bank.entry_detail as d where d.entry = e.entry offset 1)
),

hit as materialized (
    select
        n.entry,
        n.amount,
        x.expected,
        x.net,
        x.fee,
        x.reference,
        count(*) over (partition by n.entry, n.name) as items,
        count(*) over (partition by x.expected) as entries
    from name as n
    inner join bank.open_expected as x
        on n.name = x.reference_key and n.account = x.account and sign(n.amount) = sign(x.amount)
    where x.reference_key <> ''
),

named as (
    select
        h.entry,
        array_agg(h.expected order by h.expected) as expected,
        sum(h.fee) as fee,
        string_agg(h.reference, ', ' order by h.expected) as refs
    from hit as h
    group by h.entry, h.amount
    having bool_and(h.items = 1 and h.entries = 1) and sum(h.net) = h.amount
)

select
    r.rule,
    array[n.entry] as entries,
    n.expected,
    n.fee,
    0::numeric as difference,
    format('Its text has %s, which no other has, and which is its amount', n.refs) as reason
from named as n
inner join bank.match_rule as r on r.rule = 'TEXT' and r.enabled
where
    -- what somebody took apart is named all the same
    not exists (
        select from bank.undone_pair as u
        where u.entry = n.entry and u.expected = any(n.expected)
    )
    -- an entry that takes another back is no sale's money
    and not exists (
        select from bank.entry as e
        inner join bank.expected as x on x.expected = any(n.expected)
        where e.entry = n.entry and e.is_reversal and not x.is_return
    );

comment on view bank.text_match is
'What rule TEXT would suggest: entries whose text has the references of open items that come to its amount, less fee, and that no other entry''s has (bank.text_keys). Shape as bank.reference_match.';
