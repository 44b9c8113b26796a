create or replace view bank.undone_pair as
select distinct
    e.entry,
    x.expected
from bank.match_entry as e
inner join bank.match_expected as x on e.match = x.match and x.is_release
where e.is_release;

comment on view bank.undone_pair is 'Entries and items that somebody took apart: no rule puts them together again.';
