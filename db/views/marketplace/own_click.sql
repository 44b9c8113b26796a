create or replace view marketplace.own_click with (security_invoker = true) as
select
    c.click_time,
    c.ad_click,
    c.advertisement,
    c.website,
    c.price,
    c.price - c.publisher_share as commission,
    c.publisher_share,
    c.advertisement_charge_transaction,
    c.website_payment_transaction,
    c.excluded_at,
    c.excluded_reason
from marketplace.ad_click as c;

comment on view marketplace.own_click is
'Clicks as a profile''s own role sees them: on its advertisements, and on its websites. Runs with its caller''s rights: row-level security decides. NOK.';
