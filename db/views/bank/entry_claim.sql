create or replace view bank.entry_claim as
select
    c.entry,
    c.claim,
    c.match
from bank.match_entry as c
where not exists (select from bank.released_entry as r where r.entry = c.entry and r.claim = c.claim);

comment on view bank.entry_claim is 'Which match has which entry now: at most one each.';
