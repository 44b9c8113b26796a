create or replace view bank.payout_match as
with whole as materialized (
    select
        p.payout,
        p.route_name,
        p.payout_id,
        p.paid_on,
        p.fee,
        e.entry,
        e.is_named
    from bank.payout_entry as e
    inner join bank.open_payout as p on e.payout = p.payout
    where
        e.is_only
        -- what a person took apart stays so
        and not exists (select from bank.match as m where m.payout = p.payout)
),

item as materialized (
    select
        f.payout,
        array_agg(x.expected order by x.expected) filter (where x.expected is not null) as expected,
        count(f.problem) as problems
    from bank.payout_fit as f
    left join lateral unnest(f.expected) as x (expected) on true
    group by f.payout
)

select
    r.rule,
    array[w.entry] as entries,
    coalesce(i.expected, '{}') as expected,
    w.fee,
    0::numeric as difference,
    format(
        'Payout %s: %s of %s, %s, %s; %s items less its fees are the entry', w.payout, w.payout_id, w.route_name, w.paid_on,
        case when w.is_named then 'which the entry names' else 'which no other entry might be' end,
        coalesce(cardinality(i.expected), 0)
    ) as reason
from whole as w
left join item as i on w.payout = i.payout
inner join bank.match_rule as r on r.rule = 'PAYOUT' and r.enabled
where
    coalesce(i.problems, 0) = 0
    and not exists (
        select from bank.undone_pair as u
        where u.entry = w.entry and u.expected = any(i.expected)
    );

comment on view bank.payout_match is
'What rule PAYOUT would match: payouts of which one entry is the only one, and every line fits (bank.payout_fit). entries: the entry; expected: the items; fee: what the acquirer kept back by its own report; difference: always 0; reason: begins with the payout''s key (bank.match.payout).';
