create or replace view marketplace.own_click_day with (security_invoker = true) as
select
    marketplace.month_of(c.click_time) as month,
    (c.click_time at time zone books.time_zone())::date as click_date,
    c.profile,
    c.advertisement,
    a.advertisement_name,
    c.publisher,
    c.website,
    w.website_name,
    1 as clicks,
    c.price as price_amount,
    c.publisher_share as publisher_amount
from marketplace.ad_click as c
left join marketplace.advertisement as a on c.advertisement = a.advertisement
left join marketplace.website as w on c.website = w.website
where c.excluded_at is null;

comment on view marketplace.own_click_day is
'Clicks and their days as a profile''s own role sees them, a row a click: on its advertisements, and on its websites; names of others'' are null. Runs with its caller''s rights: row-level security decides. NOK.';
