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
comment on column report.bank_statement_gap.account_name is 'Name of the bank account';
comment on column report.bank_statement_gap.statement is 'The statement that does not follow on';
comment on column report.bank_statement_gap.statement_id is 'The bank''s name for it, with its page';
comment on column report.bank_statement_gap.sequence_number is 'The bank''s number of it; null: none';
comment on column report.bank_statement_gap.from_day is 'First day it is about';
comment on column report.bank_statement_gap.to_day is 'Last day it is about';
comment on column report.bank_statement_gap.previous_statement is 'The statement before it';
comment on column report.bank_statement_gap.previous_number is 'The bank''s number of the one before; null: none';
comment on column report.bank_statement_gap.previous_balance is 'Closing balance of the one before, in the account''s currency';
comment on column report.bank_statement_gap.opening_balance is 'Opening balance of this one, in the account''s currency';
comment on column report.bank_statement_gap.missing_amount is 'opening_balance less previous_balance, in the account''s currency: what moved between the two';
