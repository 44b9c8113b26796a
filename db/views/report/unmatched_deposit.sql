create or replace view report.unmatched_deposit as
select
    e.entry,
    e.account_name,
    e.booked_on,
    e.amount,
    e.currency,
    e.code,
    least(coalesce(c.candidates, 0), 2) as candidates,
    billig.local_time()::date - e.booked_on as age
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
'What came to the bank, or left it (negative), that no match accounts for. candidates: how many items or runs of items fit it by amount and day; 0: nobody knows it, 2: two or more, and nobody can tell which. age: days since it was booked. The bank''s words are not shown here.';
