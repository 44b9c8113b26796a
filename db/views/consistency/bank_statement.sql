create or replace view consistency.bank_statement as
select
    s.statement,
    s.entries,
    e.entries as entries_there,
    s.entry_sum,
    e.amount as amount_there
from bank.statement as s
cross join lateral (
    select
        count(*) as entries,
        coalesce(sum(b.amount), 0) as amount
    from bank.statement_entry as l
    inner join bank.entry as b on l.entry = b.entry and s.account = b.account
    where l.statement = s.statement
) as e
where
    s.entries <> e.entries
    or s.entry_sum <> e.amount
    or s.opening_balance + e.amount + s.gap_amount <> s.closing_balance;

comment on view consistency.bank_statement is
'A statement has the entries that it came with, of its own account, and opening balance and entries, and the gap that somebody accepted, are the closing balance.';
