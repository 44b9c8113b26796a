create or replace view consistency.marketplace_click as
with side as (
    select c.transaction, c.profile, c.advertisement_amount, c.website_amount, c.clicks, c.website_clicks
    from marketplace.click_sums() as c
    union all
    select j.transaction, j.profile,
        case j.side when 'ADVERTISEMENT' then j.amount else 0 end,
        case j.side when 'WEBSITE' then j.amount else 0 end,
        0, 0
    from marketplace.adjustment as j
),

from_clicks as (
    select
        s.transaction,
        s.profile,
        sum(s.advertisement_amount) as advertisement_amount,
        sum(s.website_amount) as website_amount,
        sum(s.clicks) as advertisement_clicks,
        sum(s.website_clicks) as website_clicks
    from side as s
    group by s.transaction, s.profile
),

from_runs as (
    select
        x.transaction,
        x.profile,
        sum(x.advertisement_amount) as advertisement_amount,
        sum(x.website_amount) as website_amount,
        sum(x.advertisement_clicks) as advertisement_clicks,
        sum(x.website_clicks) as website_clicks
    from marketplace.transaction_subtotal as x
    group by x.transaction, x.profile
)

select
    coalesce(c.transaction, r.transaction) as transaction,
    coalesce(c.profile, r.profile) as profile,
    coalesce(r.advertisement_amount, 0) as advertisement_amount,
    coalesce(c.advertisement_amount, 0) as advertisement_amount_of_clicks,
    coalesce(r.website_amount, 0) as website_amount,
    coalesce(c.website_amount, 0) as website_amount_of_clicks,
    coalesce(r.advertisement_clicks, 0) as advertisement_clicks,
    coalesce(c.advertisement_clicks, 0) as advertisement_clicks_linked,
    coalesce(r.website_clicks, 0) as website_clicks,
    coalesce(c.website_clicks, 0) as website_clicks_linked
from from_clicks as c
full join from_runs as r on c.transaction = r.transaction and c.profile = r.profile
where
    coalesce(r.advertisement_amount, 0) <> coalesce(c.advertisement_amount, 0)
    or coalesce(r.website_amount, 0) <> coalesce(c.website_amount, 0)
    or coalesce(r.advertisement_clicks, 0) <> coalesce(c.advertisement_clicks, 0)
    or coalesce(r.website_clicks, 0) <> coalesce(c.website_clicks, 0);

comment on view consistency.marketplace_click is
'The subtotals of a transaction are its own profile''s linked clicks and adjustments, on both sides, in NOK and in number. Of all months; marketplace.verify_month looks closer at one.';
