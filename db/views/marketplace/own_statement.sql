create or replace view marketplace.own_statement with (security_invoker = true) as
select
    t.transaction,
    t.kind,
    t.month,
    t.status,
    t.profile,
    p.profile_name,
    t.advertisement_amount,
    t.website_amount,
    t.net_amount,
    t.carried_in,
    t.corrected,
    t.offset_in,
    t.due_amount,
    t.offset_amount,
    t.settled,
    t.left_amount,
    t.carried_out,
    t.minimum,
    t.executed,
    t.corrects,
    t.reason,
    (
        select count(*)
        from marketplace.ad_click as c
        where c.profile = t.profile and c.advertisement_charge_transaction = t.transaction
    ) as advertisement_clicks,
    (
        select count(*)
        from marketplace.ad_click as c
        where c.publisher = t.profile and c.website_payment_transaction = t.transaction
    ) as website_clicks
from marketplace.transaction as t
inner join marketplace.profile as p on t.profile = p.profile;

comment on view marketplace.own_statement is
'report.marketplace_transaction as a profile''s own role sees it: its own. Runs with its caller''s rights: row-level security decides. NOK: above 0 the profile owes us.';
