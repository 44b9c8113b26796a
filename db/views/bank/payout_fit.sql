create or replace view bank.payout_fit as
with payout as materialized (
    select * from bank.open_payout
),

line as materialized (
    select
        p.payout,
        p.account,
        p.source,
        l.line,
        l.kind,
        l.refs,
        l.gross
    from payout as p
    inner join bank.payout_line as l on p.payout = l.payout
    where l.kind = 'ADJUSTMENT' or l.kind in ('PAYMENT', 'REFUND', 'DISPUTE') and p.source in ('PAYMENT', 'ATTEMPT')
),

-- A charge and its refund may have the same name: the side decides.
named as materialized (
    select distinct
        l.payout,
        l.line,
        x.expected,
        concat_ws(' ', x.route, x.reference_key) as name,
        x.amount = l.gross as fits,
        (select max(c.match) from bank.expected_claim as c where c.expected = x.expected) as match
    from line as l
    -- a dispute by its own name alone: the payment's is that of the payment's items
    cross join lateral unnest(case when l.kind = 'DISPUTE' then l.refs[1:1] else l.refs end) as n (ref)
    inner join bank.expected as x
        on bank.reference_key(n.ref) = x.reference_key and sign(l.gross) = sign(x.amount)
    inner join bank.route as r on x.route = r.route and l.account = r.account
    where l.kind <> 'ADJUSTMENT' and x.reference_key <> ''
),

counted as materialized (
    select
        l.payout,
        l.line,
        l.kind,
        l.gross,
        count(n.expected) as items,
        count(*) filter (where n.fits) as fitting,
        count(*) filter (where n.fits and n.match is null) as unclaimed,
        -- what no other line may be
        count(*) filter (where n.is_own) as own_items,
        min(n.expected) filter (where n.is_own) as own_item,
        count(distinct n.name) filter (where n.fits and n.match is null) as names,
        min(n.expected) filter (where n.fits and n.match is null) as expected,
        array_agg(n.expected order by n.expected) filter (where n.fits and n.match is null) as may_be,
        array_agg(n.expected order by n.expected) filter (where n.match is null) as open_items
    from line as l
    left join (
        select
            m.*,
            m.fits and m.match is null
            and count(*) filter (where m.fits and m.match is null) over (partition by m.expected) = 1 as is_own
        from named as m
    ) as n on l.payout = n.payout and l.line = n.line
    group by l.payout, l.line, l.kind, l.gross
),

-- Several payments back of one charge, of the same amount, are each other's like: the first line is the first of them.
chosen as materialized (
    select
        c.*,
        case
            when c.unclaimed = 1 then c.expected
            when c.kind = 'REFUND' and c.own_items = 1 then c.own_item
            when c.kind = 'REFUND' and c.own_items = 0 and c.names = 1
                then c.may_be[row_number() over (partition by c.may_be, c.own_items order by c.payout, c.line)]
        end as item
    from counted as c
),

by_name as (
    select
        c.payout,
        c.line,
        c.kind,
        c.gross,
        case when c.item is not null then array[c.item] end as expected,
        case when c.fitting > 0 then c.may_be else c.open_items end as held,
        case
            when c.kind = 'ADJUSTMENT' then 'NOT EXPLAINED'
            when c.items = 0 then 'NO ITEM'
            when c.fitting = 0 then 'AMOUNT DIFFERS'
            when c.unclaimed = 0 then 'MATCHED ELSEWHERE'
            when c.item is null and c.kind = 'REFUND' and c.own_items = 0 and c.names = 1 then 'TWICE'
            when c.item is null then 'SEVERAL ITEMS'
            when count(*) over (partition by c.item) > 1 then 'TWICE'
        end as problem
    from chosen as c
),

-- Of routes whose items are sums: the days that the payout's payments are of
total as materialized (
    select
        p.payout,
        p.route,
        p.gross,
        coalesce(min(l.occurred_on) - 1, p.paid_on - p.days_max) as first_day,
        coalesce(max(l.occurred_on) + 1, p.paid_on) as last_day
    from payout as p
    inner join bank.payout_line as l on p.payout = l.payout and l.kind in ('PAYMENT', 'REFUND')
    where p.source in ('SESSION', 'DAY')
    group by p.payout, p.route, p.gross, p.paid_on, p.days_max
),

-- Runs as in bank.candidate, by gross
place as materialized (
    select
        i.expected,
        i.route,
        i.day,
        i.run_max,
        i.amount,
        dense_rank() over (order by g.turn, i.route, case g.turn when 1 then coalesce(i.cash_point, 0) end) as series,
        row_number() over w as n,
        sum(i.amount) over w as upto
    from bank.open_expected as i
    inner join (
        select
            t.route,
            min(t.first_day) as first_day,
            max(t.last_day) as last_day
        from total as t
        group by t.route
    ) as d on i.route = d.route and i.day between d.first_day and d.last_day
    cross join (values (1), (2)) as g (turn)
    window w as (
        partition by g.turn, i.route, case g.turn when 1 then coalesce(i.cash_point, 0) end order by i.day, i.expected
    )
),

run as materialized (
    select
        b.series,
        b.route,
        b.n as first_n,
        e.n as last_n,
        b.day as first_day,
        e.day as last_day,
        e.upto - b.upto + b.amount as gross
    from place as e
    cross join lateral generate_series(e.n - e.run_max + 1, e.n) as k (n)
    inner join place as b on e.series = b.series and b.n = k.n
),

summed as materialized (
    select distinct
        h.payout,
        h.expected
    from (
        select
            s.payout,
            array_agg(p.expected order by p.expected) as expected
        from (
            select
                t.payout,
                r.series,
                r.first_n,
                r.last_n,
                generate_series(r.first_n, r.last_n) as n
            from total as t
            inner join run as r
                on
                    t.route = r.route and t.gross = r.gross
                    and r.first_day >= t.first_day and r.last_day <= t.last_day
        ) as s
        inner join place as p on s.series = p.series and s.n = p.n
        group by s.payout, s.series, s.first_n, s.last_n
    ) as h
),

held as (
    select
        s.payout,
        array_agg(distinct x.expected order by x.expected) as held
    from summed as s
    cross join lateral unnest(s.expected) as x (expected)
    group by s.payout
),

shared as (
    -- an item is in more than one sum, of this payout or another
    select distinct m.payout
    from (
        select
            s.payout,
            count(*) over (partition by x.expected) as sums
        from summed as s
        cross join lateral unnest(s.expected) as x (expected)
    ) as m
    where m.sums > 1
),

by_sum as (
    select
        t.payout,
        t.gross,
        count(s.expected) as sums,
        min(s.expected) as expected
    from total as t
    left join summed as s on t.payout = s.payout
    group by t.payout, t.gross
)

select
    n.payout,
    n.line,
    n.kind,
    n.gross,
    n.expected,
    n.problem,
    n.held
from by_name as n
union all
select
    b.payout,
    null,
    'PAYMENT',
    b.gross,
    case when b.sums = 1 then b.expected end,
    case when b.sums = 0 then 'NO ITEM' when b.sums > 1 or b.payout in (select h.payout from shared as h) then 'SEVERAL ITEMS' end,
    d.held
from by_sum as b
left join held as d on b.payout = d.payout;

comment on view bank.payout_fit is
'Which open items are in which payout that is not matched. One row per payment, refund, dispute or adjustment of routes PAYMENT and ATTEMPT: the one item on the route''s account that has one of its names and its gross; of several that a refund may be the one that no other line may be; of several of one name and route, which are like each other, one for each refund. Of routes SESSION and DAY one row per payout (line null): the one item, or run of items that follow each other, whose sum is its payments less its refunds, of the days that its lines say. problem null: it fits; NO ITEM; AMOUNT DIFFERS; MATCHED ELSEWHERE; SEVERAL ITEMS; TWICE: another line has the same item; NOT EXPLAINED: an adjustment. held: the open items that it might be, and where it names some and none has its gross, those.';
