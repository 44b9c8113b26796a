create or replace view report.bank_statement_gap as
select
    s.account_name,
    s.statement,
    s.statement_id,
    s.sequence_number,
    s.from_day,
    s.to_day,
    s.previous_statement,
    s.previous_number,
    s.previous_balance,
    s.opening_balance,
    s.opening_balance - s.previous_balance as missing_amount
from (
    select
        a.account_name,
        t.*,
        lag(t.statement) over w as previous_statement,
        lag(t.sequence_number) over w as previous_number,
        lag(t.closing_balance) over w as previous_balance
    from bank.statement as t
    inner join bank.account as a on t.account = a.account
    where t.kind = 'STATEMENT'
    window w as (partition by t.account order by t.to_day, t.from_day, t.sequence_number, t.statement)
) as s
where
    s.previous_statement is not null
    and (
        s.opening_balance <> s.previous_balance
        -- numbers begin anew with the year
        or s.sequence_number not in (s.previous_number + 1, 1)
    );

comment on view report.bank_statement_gap is
'Statements that do not go on where the one before ended: a number is left out, or the balance is another (missing_amount, in the account''s currency). previous_statement, previous_number, previous_balance: of the one before. A month''s statement among a day''s shows here too.';
