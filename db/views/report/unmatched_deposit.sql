create or replace view report.unmatched_deposit as
select
    e.entry,
    e.account_name,
    e.booked_on,
    e.amount::numeric(14, 2) as amount,
    e.currency,
    e.code,
    least(coalesce(c.candidates, 0), 2) as candidates,
    billig.local_time()::date - e.booked_on as age,
    e.whole as whole_amount
from bank.open_entry as e
left join (
    select
        k.entry,
        count(*) as candidates
    from bank.candidate as k
    group by k.entry
    having bool_or(k.is_free)
) as c on e.entry = c.entry;

comment on view report.unmatched_deposit is
'What came to the bank, or left it (negative), that no match accounts for, or not for all of it. candidates: how many items or runs of items fit it by amount and day; 0: nobody knows it, 2: two or more, and nobody can tell which. age: days since it was booked. The bank''s words are not shown here.';
comment on column report.unmatched_deposit.entry is 'The bank''s entry';
comment on column report.unmatched_deposit.account_name is 'Name of the bank account';
comment on column report.unmatched_deposit.booked_on is 'Day on which the bank booked it';
comment on column report.unmatched_deposit.amount is 'What is left of it, in the account''s currency, positive in, negative out';
comment on column report.unmatched_deposit.currency is 'Currency of the account';
comment on column report.unmatched_deposit.code is 'The bank''s code for what kind of entry it is';
comment on column report.unmatched_deposit.candidates is 'How many items or runs of items fit it by amount and day; 0: nobody knows it, 2: two or more';
comment on column report.unmatched_deposit.age is 'Days since it was booked';
comment on column report.unmatched_deposit.whole_amount is 'All that was booked, in the account''s currency; amount, unless a part is matched';
