create or replace view marketplace.own_statement as
select
    o.transaction,
    o.kind,
    o.month,
    o.status,
    o.profile,
    o.profile_name,
    o.advertisement_amount,
    o.website_amount,
    o.net_amount,
    o.carried_in,
    o.corrected,
    o.offset_in,
    o.due_amount,
    o.offset_amount,
    o.settled,
    o.left_amount,
    o.carried_out,
    o.minimum,
    o.executed,
    o.corrects,
    o.reason,
    o.advertisement_clicks,
    o.website_clicks
from marketplace.own_statement() as o;

comment on view marketplace.own_statement is
'report.marketplace_transaction as a profile''s own role sees it. The profile is who logged in (marketplace.own_profile); of any other, nothing. NOK: above 0 the profile owes us. May be null: due_amount, left_amount, carried_out, minimum, executed, corrects, reason. The function of the same name shows it, with the rights of the owner: EXPLAIN of a table would count what a policy hides.';
