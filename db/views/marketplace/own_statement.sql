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
    t.due_amount,
    t.carried_out,
    t.minimum,
    t.executed,
    t.corrects,
    t.reason,
    coalesce(s.advertisement_clicks, 0) as advertisement_clicks,
    coalesce(s.website_clicks, 0) as website_clicks
from marketplace.transaction as t
inner join marketplace.profile as p on t.profile = p.profile
left join lateral (
    select
        sum(x.advertisement_clicks) as advertisement_clicks,
        sum(x.website_clicks) as website_clicks
    from marketplace.transaction_subtotal as x
    where x.transaction = t.transaction
) as s on true;

comment on view marketplace.own_statement is
'report.marketplace_transaction as a profile''s own role sees it: its own. Runs with its caller''s rights: row-level security decides. NOK: above 0 the profile owes us.';
