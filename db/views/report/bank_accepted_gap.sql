create or replace view report.bank_accepted_gap as
select
    g.statement,
    a.account_name,
    s.statement_id,
    s.sequence_number,
    g.from_day,
    g.to_day,
    g.opening_balance,
    s.entries,
    s.entry_sum,
    g.closing_balance,
    s.gap_amount,
    a.currency,
    s.gap_reason,
    i.imported_by as accepted_by,
    i.imported_at as accepted_at,
    i.file_name,
    g.explained_by
from bank.accepted_gap as g
inner join bank.statement as s on g.statement = s.statement
inner join bank.account as a on g.account = a.account
inner join bank.import_file as i on s.import_file = i.import_file;

comment on view report.bank_accepted_gap is
'Statements that were loaded though they do not add up or lack a balance, such as a part of a day or a file that was cut: what moved and is in none of their entries, who accepted that, and why. Each stands here for good; explained_by says what tells of the rest since.';
comment on column report.bank_accepted_gap.statement is 'The statement';
comment on column report.bank_accepted_gap.account_name is 'Name of the bank account';
comment on column report.bank_accepted_gap.statement_id is 'The bank''s name for the statement';
comment on column report.bank_accepted_gap.sequence_number is 'The bank''s number of it; null: none';
comment on column report.bank_accepted_gap.from_day is 'First day it is about';
comment on column report.bank_accepted_gap.to_day is 'Last day it is about';
comment on column report.bank_accepted_gap.opening_balance is 'What it opened with, in the account''s currency; null: does not say';
comment on column report.bank_accepted_gap.entries is 'How many entries it has';
comment on column report.bank_accepted_gap.entry_sum is 'Their sum, in the account''s currency: positive in, negative out';
comment on column report.bank_accepted_gap.closing_balance is 'What it closed with, in the account''s currency; null: does not say';
comment on column report.bank_accepted_gap.gap_amount is
'What moved and is in none of its entries, in the account''s currency: positive in, negative out; 0 also where a balance is missing, and nobody can tell';
comment on column report.bank_accepted_gap.currency is 'Currency of the account';
comment on column report.bank_accepted_gap.gap_reason is 'Why it was loaded all the same';
comment on column report.bank_accepted_gap.accepted_by is 'The login that did';
comment on column report.bank_accepted_gap.accepted_at is 'When';
comment on column report.bank_accepted_gap.file_name is 'The file that brought it';
comment on column report.bank_accepted_gap.explained_by is
'The last of the whole statements that tell of all of it since; null: nothing does, and the gap is open';
