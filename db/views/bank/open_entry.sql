create or replace view bank.open_entry as
select
    e.entry,
    e.account,
    a.account_name,
    e.booked_on,
    e.amount - coalesce(p.taken, 0) as amount,
    a.currency,
    e.bank_reference,
    e.end_to_end,
    e.kid,
    e.code,
    e.entry_text,
    e.amount as whole,
    e.is_reversal
from bank.entry as e
inner join bank.account as a on e.account = a.account
-- by the index of those that are taken in part: few
left join bank.match_entry as p
    on
        e.entry = p.entry and p.taken <> p.whole and p.taken <> 0
        and not exists (select from bank.match_entry as n where n.entry = p.entry and n.claim = p.claim + 1)
where
    e.amount <> 0
    and not exists (
        select from bank.match_entry as c
        left join bank.match_entry as n on c.entry = n.entry and n.claim = c.claim + 1
        where c.entry = e.entry and c.taken = c.whole and n.entry is null
    );

comment on view bank.open_entry is
'Entries of which something is in no match, suggested ones included: amount is what is left, whole what was booked.';
