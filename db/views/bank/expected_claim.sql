create or replace view bank.expected_claim as
select
    c.expected,
    c.claim,
    c.match
from bank.match_expected as c
where not exists (select from bank.released_expected as r where r.expected = c.expected and r.claim = c.claim);

comment on view bank.expected_claim is 'Which match has which item now: at most one each.';
