create or replace view bank.expected_claim as
select
    c.expected,
    c.claim,
    c.match,
    c.amount
from bank.match_expected as c
where
    not c.is_release
    and not exists (
        select from bank.match_expected as r
        where r.match = c.match and r.expected = c.expected and r.is_release
    );

comment on view bank.expected_claim is
'Which matches have which item now, and NOK of it (amount): several where each has a part.';
