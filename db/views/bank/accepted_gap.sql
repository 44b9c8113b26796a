create or replace view bank.accepted_gap as
select
    g.statement,
    g.account,
    g.from_day,
    g.to_day,
    g.opening_balance,
    g.closing_balance,
    x.statement as explained_by
from bank.statement as g
left join lateral (
    -- the last of the whole statements of its days, where they tell of its balances and of each of its entries
    select max(w.statement) as statement
    from bank.statement as w
    where
        w.account = g.account and w.kind = 'STATEMENT' and w.gap_reason is null
        and w.from_day <= g.to_day and w.to_day >= g.from_day
        and not exists (
            select from bank.statement_entry as l
            where
                l.statement = g.statement
                and not exists (
                    select from bank.statement_entry as o
                    inner join bank.statement as t on o.statement = t.statement
                    where o.entry = l.entry and t.kind = 'STATEMENT' and t.gap_reason is null
                )
        )
    having
        (
            g.opening_balance is null
            or bool_or(
                g.opening_balance in (w.opening_balance, w.closing_balance)
                or exists (
                    select from bank.statement_entry as l
                    where l.statement = w.statement and l.balance = g.opening_balance
                )
            )
        )
        and (
            g.closing_balance is null
            or bool_or(
                -- one that ended where this one begins is before it
                (w.closing_balance <> g.opening_balance or w.opening_balance = g.opening_balance) is not false
                and (
                    w.closing_balance = g.closing_balance
                    or exists (
                        select from bank.statement_entry as l
                        where l.statement = w.statement and l.balance = g.closing_balance
                    )
                )
            )
        )
    ) as x
    on true
where g.gap_reason is not null;

comment on view bank.accepted_gap is
'Statements that were loaded with a gap, and what explains it since (explained_by): the last whole statement of the same days, where such tell of its opening and closing balance and of each of its entries; null: nothing yet, and it stands as it was accepted.';
