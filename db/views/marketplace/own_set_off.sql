create or replace view marketplace.own_set_off as
select
    o.set_off,
    o.transaction,
    o.profile,
    o.set_off_on,
    o.other_month,
    o.other_transaction,
    o.amount,
    o.is_rest
from marketplace.own_set_off() as o;

comment on view marketplace.own_set_off is
'report.marketplace_set_off as a profile''s own role sees it. The profile is who logged in (marketplace.own_profile); of any other, nothing. NOK, signed as it is added: below 0 the profile owes so much less, above 0 it is owed so much less. The function of the same name shows it, with the rights of the owner: EXPLAIN of a table would count what a policy hides.';
