create or replace view report.marketplace_transaction as
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
    t.rolled_from,
    t.rolled_to,
    t.corrects,
    t.reason,
    coalesce(s.advertisement_clicks, 0) as advertisement_clicks,
    coalesce(s.website_clicks, 0) as website_clicks,
    t.closed_at
from marketplace.transaction as t
inner join marketplace.profile as p on t.profile = p.profile
left join lateral (
    select
        sum(x.advertisement_clicks) as advertisement_clicks,
        sum(x.website_clicks) as website_clicks
    from marketplace.transaction_subtotal as x
    where x.transaction = t.transaction
) as s on true;

comment on view report.marketplace_transaction is
'One row for each transaction of the marketplace (M1, M2). Ask by month. NOK: above 0 the profile owes us, below 0 we owe it.';
comment on column report.marketplace_transaction.advertisement_clicks is 'Clicks that it charges';
comment on column report.marketplace_transaction.website_clicks is 'Clicks that it pays';
