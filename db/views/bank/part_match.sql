create or replace view bank.part_match as
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
        where o.entry = e.entry and o.kind <> 'BANK'
        offset 0
    ) as n
    where
        e.currency = 'NOK' and not e.is_reversal
        -- of one payment
        and not exists (select from bank.entry_detail as d where d.entry = e.entry offset 1)
),

-- Matched or not: who names another item may pay that one too.
hit as materialized (
    select
        n.entry,
        n.amount,
        x.expected,
        count(*) over (partition by n.entry) as items
    from name as n
    inner join bank.expected as x on n.name = x.reference_key and sign(n.amount) = sign(x.amount)
    inner join bank.route as r on x.route = r.route and n.account = r.account
    where x.reference_key <> ''
),

named as materialized (
    select
        h.expected,
        sum(h.amount) as amount,
        array_agg(h.entry order by h.entry) as entries,
        bool_and(h.items = 1) as is_only
    from hit as h
    group by h.expected
),

found as materialized (
    select
        n.entries,
        n.amount as entry_amount,
        x.*,
        -- of less than the item, what it is the money of before the fee
        case when abs(n.amount) < abs(x.net) then books.share_of(x.amount, n.amount, n.amount, x.net) end as part
    from named as n
    inner join bank.open_expected as x on n.expected = x.expected
    where
        n.is_only and x.net <> 0 and sign(x.net) = sign(x.amount)
        and (cardinality(n.entries) > 1 and abs(n.amount) <= abs(x.net) or cardinality(n.entries) = 1 and n.amount <> x.net)
        and not exists (
            select from bank.undone_pair as u
            where u.entry = any(n.entries) and u.expected = n.expected
        )
)

select
    r.rule,
    f.entries,
    array[f.expected] as expected,
    case when f.part is null then f.fee else f.part - f.entry_amount end as fee,
    0::numeric as difference,
    case
        when abs(f.entry_amount) > abs(f.net)
            then format('It names %s of %s and is more: NOK %s are left of it', f.reference, f.route_name, f.entry_amount - f.net)
        else format(
            '%s entries name %s of %s, of which NOK %s are left', cardinality(f.entries), f.reference, f.route_name,
            f.amount - coalesce(f.part, f.amount)
        )
    end as reason,
    case when abs(f.entry_amount) > abs(f.net) then array[f.net] end as entry_amounts,
    case when f.part is not null then array[f.part] end as expected_amounts
from found as f
inner join bank.match_rule as r on r.rule = 'PART' and r.enabled;

comment on view bank.part_match is
'What rule PART would suggest: entries that name one item, and no other, and together are not more than it, or one that is more. What is left of the item, or of the entry, stays open. Shape as bank.reference_match; entry_amounts, expected_amounts: NOK that is matched of each, null: all that is open.';
