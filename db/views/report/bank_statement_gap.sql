create or replace view report.bank_statement_gap as
with chain as materialized (
    select * from bank.statement_chain
),

followed as (
    -- what goes on where another ended has that one before it
    select distinct on (c.statement)
        c.*,
        o.statement as previous_statement,
        o.sequence_number as previous_number,
        o.closing_balance as previous_balance
    from chain as c
    inner join chain as o on c.account = o.account and c.opening_balance = o.closing_balance
    where
        not c.is_head and o.statement <> c.statement
        and o.from_day <= c.from_day and o.to_day <= c.to_day
    order by
        c.statement asc, o.sequence_number = c.sequence_number - 1 desc nulls last,
        o.to_day desc, o.from_day desc, o.sequence_number desc, o.statement desc
),

-- what goes on from none, the last that ended before
broken as (
    select
        c.*,
        p.statement as previous_statement,
        p.sequence_number as previous_number,
        p.closing_balance as previous_balance
    from chain as c
    cross join lateral (
        select
            o.statement,
            o.sequence_number,
            o.closing_balance
        from chain as o
        where o.account = c.account and o.segment < c.segment
        order by o.to_day desc, o.from_day desc, o.sequence_number desc, o.statement desc
        limit 1
    ) as p
    where c.is_head
),

gap as (
    select * from broken
    union all
    select f.* from followed as f
    where f.sequence_number not in (f.previous_number + 1, 1) -- numbers begin anew with the year
)

select
    a.account_name,
    g.statement,
    g.statement_id,
    g.sequence_number,
    g.from_day,
    g.to_day,
    g.previous_statement,
    g.previous_number,
    g.previous_balance,
    g.opening_balance,
    g.opening_balance - g.previous_balance as missing_amount
from gap as g
inner join bank.account as a on g.account = a.account;

comment on view report.bank_statement_gap is
'Statements that do not go on where the one before ended: a number is left out, or the balance is another (missing_amount, in the account''s currency). previous_statement, previous_number, previous_balance: of the one before. Statements within others (a day''s in a month''s) leave no gap.';
comment on column report.bank_statement_gap.account_name is 'Name of the bank account';
comment on column report.bank_statement_gap.statement is 'The statement that does not follow on';
comment on column report.bank_statement_gap.statement_id is 'The bank''s name for it';
comment on column report.bank_statement_gap.sequence_number is 'The bank''s number of it; null: none';
comment on column report.bank_statement_gap.from_day is 'First day it is about';
comment on column report.bank_statement_gap.to_day is 'Last day it is about';
comment on column report.bank_statement_gap.previous_statement is 'The statement before it';
comment on column report.bank_statement_gap.previous_number is 'The bank''s number of the one before; null: none';
comment on column report.bank_statement_gap.previous_balance is 'Closing balance of the one before, in the account''s currency';
comment on column report.bank_statement_gap.opening_balance is 'Opening balance of this one, in the account''s currency';
comment on column report.bank_statement_gap.missing_amount is 'opening_balance less previous_balance, in the account''s currency: what moved between the two';
