create or replace view bank.statement_chain as
with unit as (
    -- a statement, or the pages of one: the balance is before the first and after the last
    select
        min(s.statement) as statement,
        array_agg(s.statement) as statements,
        s.account,
        s.statement_id,
        s.sequence_number,
        min(s.from_day) as from_day,
        max(s.to_day) as to_day,
        (array_agg(s.opening_balance order by s.page, s.statement) filter (where s.opening_balance is not null))[1]
            as opening_balance,
        (array_agg(s.closing_balance order by s.page desc, s.statement desc) filter (where s.closing_balance is not null))[1]
            as closing_balance,
        sum(s.entry_sum) as entry_sum
    from bank.statement as s
    -- a gap has no place; a page with one leaves the whole without, until it is explained
    left join bank.accepted_gap as g on s.statement = g.statement
    where s.kind = 'STATEMENT' and (g.statement is null or s.page is not null and g.explained_by is null)
    group by
        s.account, s.statement_id, s.sequence_number, case when s.page is null then s.statement end,
        -- a name and number that come again a year later are another statement's
        case when s.page is not null then date_trunc('month', s.to_day) end
    having count(g.statement) = 0
),

placed as (
    select
        u.statement,
        u.statements,
        u.account,
        u.statement_id,
        u.sequence_number,
        u.from_day,
        u.to_day,
        u.opening_balance,
        coalesce(u.closing_balance, u.opening_balance + u.entry_sum) as closing_balance
    from unit as u
    where u.opening_balance is not null
),

linked as (
    select
        p.*,
        row_number() over (
            partition by p.account order by p.from_day, p.to_day, p.sequence_number, p.statement
        ) = 1
        or not exists (
            select from placed as o
            where
                o.account = p.account and o.statement <> p.statement and o.closing_balance = p.opening_balance
                and o.to_day <= p.to_day and o.from_day <= p.from_day
        )
        and not exists (
            -- it begins in the midst of another, or where another does, and one of them ends within the other
            select from placed as o
            where
                o.account = p.account and o.statement <> p.statement
                and o.from_day <= p.from_day and o.to_day >= p.from_day
                and (
                    o.opening_balance = p.opening_balance
                    and (o.from_day, o.from_day - o.to_day, o.statement)
                    < (p.from_day, p.from_day - p.to_day, p.statement)
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
        ) as is_head,
        exists (
            select from placed as o
            where
                o.account = p.account and o.statement <> p.statement and o.opening_balance = p.closing_balance
                and o.to_day >= p.to_day and o.from_day >= p.from_day
        ) as has_next
    from placed as p
)

select
    l.account,
    count(*) filter (where l.is_head) over w as segment,
    l.statement,
    l.statements,
    l.statement_id,
    l.sequence_number,
    l.from_day,
    l.to_day,
    l.opening_balance,
    l.closing_balance,
    l.is_head,
    l.has_next
from linked as l
window w as (
    partition by l.account
    order by l.from_day, l.to_day, l.is_head desc, l.sequence_number, l.statement rows unbounded preceding
);

comment on view bank.statement_chain is
'The statements of each account in the order of its chain, pages of one together; those with a gap are in none. A segment begins (is_head) where a statement goes on from no other: at the first, and after each that is missing. has_next: another goes on from it. closing_balance: what the last page says, or what the entries come to.';
