create or replace view bank.open_entry as
select
    e.entry,
    e.account,
    a.account_name,
    e.booked_on,
    e.amount,
    a.currency,
    e.bank_reference,
    e.end_to_end,
    e.kid,
    e.code,
    e.entry_text
from bank.entry as e
inner join bank.account as a on e.account = a.account
where
    e.amount <> 0
    and not exists (
        select from bank.match_entry as c
        left join bank.released_entry as r on c.entry = r.entry and c.claim = r.claim
        where c.entry = e.entry and r.entry is null
    );

comment on view bank.open_entry is 'Entries that no match has, suggested ones included.';
