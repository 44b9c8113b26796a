create or replace view marketplace.own_click as
select
    o.click_time,
    o.ad_click,
    o.advertisement,
    o.website,
    o.price,
    o.commission,
    o.publisher_share,
    o.advertisement_charge_transaction,
    o.website_payment_transaction,
    o.excluded_at,
    o.excluded_reason
from marketplace.own_click() as o;

comment on view marketplace.own_click is
'A profile''s own clicks: on its advertisements, and on its websites. The profile is who logged in (marketplace.own_profile); of any other, nothing. NOK. May be null: website, price, commission, publisher_share, advertisement_charge_transaction, website_payment_transaction, excluded_at, excluded_reason. The function of the same name shows it, with the rights of the owner: EXPLAIN of a table would count what a policy hides.';
