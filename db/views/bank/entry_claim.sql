create or replace view bank.entry_claim as
select
    c.entry,
    c.claim,
    c.match,
    c.amount
from bank.match_entry as c
where
    not c.is_release
    and not exists (
        select from bank.match_entry as r
        where r.match = c.match and r.entry = c.entry and r.is_release
    );

comment on view bank.entry_claim is
'Which matches have which entry now, and NOK of it (amount): several where each has a part.';
