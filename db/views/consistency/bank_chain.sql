create or replace view consistency.bank_chain as
with segment as (
    select
        c.account,
        c.segment,
        min(c.from_day) as from_day,
        max(c.to_day) as to_day,
        (array_agg(c.opening_balance order by c.is_head desc, c.from_day, c.statement))[1] as opening_balance,
        (array_agg(
            c.closing_balance
            order by c.to_day desc, c.ends_day desc, c.has_next, c.sequence_number desc, c.page desc, c.statement desc
        ))[1]
            as closing_balance
    from bank.statement_chain as c
    group by c.account, c.segment
),

told as (
    select
        d.account,
        d.segment,
        sum(d.amount) as amount
    from (
        select distinct
            c.account,
            c.segment,
            e.entry,
            e.amount
        from bank.statement_chain as c
        inner join bank.statement_entry as l on l.statement = any(c.statements)
        inner join bank.entry as e on l.entry = e.entry
    ) as d
    group by d.account, d.segment
),

-- told of by notifications and exports alone, in a stretch whose every entry is in a statement
stray as (
    select
        s.account,
        s.segment,
        sum(e.amount) as amount,
        count(*) as entries
    from segment as s
    inner join bank.entry as e
        on s.account = e.account and e.booked_on > s.from_day + 10 and e.booked_on < s.to_day - 10
    where
        not exists (
            select from bank.statement_entry as l
            inner join bank.statement as t on l.statement = t.statement
            where l.entry = e.entry and t.kind = 'STATEMENT'
        )
    group by s.account, s.segment
)

select
    a.account_name,
    s.from_day,
    s.to_day,
    s.opening_balance,
    s.closing_balance,
    coalesce(t.amount, 0) as entry_sum,
    coalesce(r.entries, 0) as other_entries,
    coalesce(r.amount, 0) as other_sum
from segment as s
inner join bank.account as a on s.account = a.account
left join told as t on s.account = t.account and s.segment = t.segment
left join stray as r on s.account = r.account and s.segment = r.segment
where
    s.opening_balance + coalesce(t.amount, 0) <> s.closing_balance
    or r.entries > 0;

comment on view consistency.bank_chain is
'Follows each account''s chain of statements: what the first opened with and all their entries, each once, are what the last closed with, from each statement that is missing to the next. other_entries, other_sum: what notifications and exports alone told of, and no statement, more than ten days within them. Statements with a gap that somebody accepted are in no chain: report.bank_accepted_gap lists them.';
