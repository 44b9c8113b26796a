create or replace view bank.statement_chain as
with known as (
    select
        s.*,
        s.gap_reason is not null as has_gap,
        -- a page that says both of its balances is linked by them; of the others the balance is before the first and after the last
        s.page is not null and (s.opening_balance is null or s.closing_balance is null) as is_part,
        -- a name and number that come again a year later are another statement's
        case when s.page is not null then date_trunc('month', s.to_day) end as month
    from bank.statement as s
    where
        s.kind = 'STATEMENT'
        and (
            s.gap_reason is null
            -- a gap has no place; a page with one leaves the whole without, until it is explained
            or s.page is not null
            and exists (select from bank.accepted_gap as g where g.statement = s.statement and g.explained_by is null)
        )
),

-- pages that follow each other: one that is missing leaves two stretches
paged as (
    select
        k.*,
        sum(k.is_after_missing::int) over (
            partition by k.account, k.statement_id, k.sequence_number, k.month, k.is_part
            order by k.page, k.statement rows unbounded preceding
        ) as stretch
    from (
        select
            o.*,
            coalesce(o.page > 1 + lag(o.page) over (
                partition by o.account, o.statement_id, o.sequence_number, o.month, o.is_part
                order by o.page, o.statement
            ), false) as is_after_missing
        from known as o
    ) as k
),

unit as (
    select
        min(s.statement) as statement,
        array_agg(s.statement) as statements,
        s.account,
        s.statement_id,
        s.sequence_number,
        max(s.page) as page,
        min(s.from_day) as from_day,
        max(s.to_day) as to_day,
        (array_agg(s.opening_balance order by s.page, s.statement) filter (where s.opening_balance is not null))[1]
            as opening_balance,
        (array_agg(s.closing_balance order by s.page desc, s.statement desc) filter (where s.closing_balance is not null))[1]
            as closing_balance,
        sum(s.entry_sum) as entry_sum,
        sum(s.entries) as entries,
        bool_and(s.is_part) as is_part
    from paged as s
    group by
        s.account, s.statement_id, s.sequence_number, case when not s.is_part then s.statement end, s.month, s.stretch
    having not bool_or(s.has_gap)
),

placed as (
    select
        u.*,
        row_number() over (
            partition by u.account order by u.from_day, u.to_day, u.sequence_number, u.page, u.statement
        ) as turn
    from (
        select
            x.statement,
            x.statements,
            x.account,
            x.statement_id,
            x.sequence_number,
            x.page,
            x.from_day,
            x.to_day,
            x.entries,
            coalesce(x.opening_balance, case when x.is_part then x.closing_balance - x.entry_sum end)
                as opening_balance,
            coalesce(x.closing_balance, x.opening_balance + x.entry_sum) as closing_balance
        from unit as x
    ) as u
    where u.opening_balance is not null
),

-- Each question of its own, about those that the one before leaves: asked at once, each would meet all the others.
without_previous as materialized (
    select p.*
    from placed as p
    where
        not exists (
            select from placed as o
            where
                o.account = p.account and o.statement <> p.statement and o.closing_balance = p.opening_balance
                and o.to_day <= p.to_day and o.from_day <= p.from_day
        )
),

-- nor is it another that was told of again
told_first as materialized (
    select p.*
    from without_previous as p
    where
        not exists (
            select from placed as o
            where
                o.account = p.account and o.turn < p.turn
                and o.statement_id = p.statement_id and o.from_day = p.from_day and o.opening_balance = p.opening_balance
                and o.sequence_number is not distinct from p.sequence_number
        )
),

-- nor does it begin in the midst of another, or where another does, while one of them ends within the other
goes_on_from_none as materialized (
    select
        p.account,
        p.statement,
        p.from_day
    from told_first as p
    where
        not exists (
            select from placed as o
            where
                o.account = p.account and o.statement <> p.statement
                and o.from_day <= p.from_day and o.to_day >= p.from_day
                and (
                    o.opening_balance = p.opening_balance and o.turn < p.turn
                    or exists (
                        select from bank.statement_entry as l
                        where l.statement = any(o.statements) and l.balance = p.opening_balance
                    )
                )
                and exists (
                    select from bank.statement_entry as l
                    where
                        l.statement = any(o.statements) and l.balance = p.closing_balance
                        or l.statement = any(p.statements) and l.balance = o.closing_balance
                )
        )
),

goes_on as materialized (
    select p.statement
    from placed as p
    where
        exists (
            select from placed as o
            where
                o.account = p.account and o.statement <> p.statement and o.opening_balance = p.closing_balance
                and o.to_day >= p.to_day and o.from_day >= p.from_day
        )
),

-- on the same day; or more is told of it under the same name
goes_on_that_day as materialized (
    select p.statement
    from placed as p
    where
        exists (
            select from placed as o
            where
                o.account = p.account and o.statement <> p.statement and o.opening_balance = p.closing_balance
                and o.to_day = p.to_day and o.from_day >= p.from_day
        )
    union
    select p.statement
    from placed as p
    where
        exists (
            select from placed as o
            where
                o.account = p.account and o.entries > p.entries and o.to_day = p.to_day
                and o.statement_id = p.statement_id and o.from_day = p.from_day and o.opening_balance = p.opening_balance
                and o.sequence_number is not distinct from p.sequence_number
        )
),

linked as (
    select
        p.*,
        h.statement is not null
        -- a day whose balance comes back to what it began with: each goes on from another
        or p.turn = 1 and not exists (
            select from goes_on_from_none as o
            where o.account = p.account and o.from_day = p.from_day
        ) as is_head,
        n.statement is not null as has_next,
        d.statement is null as ends_day
    from placed as p
    left join goes_on_from_none as h on p.statement = h.statement
    left join goes_on as n on p.statement = n.statement
    left join goes_on_that_day as d on p.statement = d.statement
)

select
    l.account,
    count(*) filter (where l.is_head) over w as segment,
    l.statement,
    l.statements,
    l.statement_id,
    l.sequence_number,
    l.page,
    l.from_day,
    l.to_day,
    l.opening_balance,
    l.closing_balance,
    l.is_head,
    l.has_next,
    l.ends_day
from linked as l
window w as (
    partition by l.account
    order by l.from_day, l.to_day, l.sequence_number, l.page, l.is_head desc, l.statement rows unbounded preceding
);

comment on view bank.statement_chain is
'The statements of each account in the order of its chain; those with a gap are in none. Pages that say both of their balances stand by themselves, others together, as far as none is missing between them. A segment begins (is_head) where a statement goes on from no other: at the first, and after each that is missing. has_next: another goes on from it; ends_day: none that ends on the same day does, or tells of more under the same name. opening_balance, closing_balance: what the first and last page say, or what the entries come to.';
