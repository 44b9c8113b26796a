create or replace view bank.undone_pair as
select distinct
    e.entry,
    x.expected
from bank.released_entry as e
inner join bank.released_expected as x on e.match = x.match;

comment on view bank.undone_pair is 'Entries and items that somebody took apart: no rule puts them together again.';
