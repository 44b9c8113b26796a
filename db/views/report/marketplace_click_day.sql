create or replace view report.marketplace_click_day as
select
    m.month,
    c.click_date,
    c.profile,
    p.profile_name,
    c.advertisement,
    a.advertisement_name,
    c.publisher,
    c.website,
    w.website_name,
    c.clicks,
    c.price_amount::numeric(18, 6) as price_amount,
    c.commission_amount::numeric(18, 6) as commission_amount,
    c.publisher_amount::numeric(18, 6) as publisher_amount,
    (select u.profile_name from marketplace.profile as u where u.profile = c.publisher) as publisher_name
from marketplace.month as m
cross join lateral marketplace.click_days(m.month) as c -- month by month: the months asked for are the partitions read
inner join marketplace.profile as p on c.profile = p.profile
inner join marketplace.advertisement as a on c.advertisement = a.advertisement
left join marketplace.website as w on c.website = w.website;

comment on view report.marketplace_click_day is
'Clicks by day, advertisement and website (M8), of months that the marketplace has; excluded ones are left out, those taken back later are not. NOK, 6 decimals, all above 0: price_amount = commission_amount + publisher_amount, where a price is known. Ask by month.';
comment on column report.marketplace_click_day.month is 'First day of the month of click_date';
comment on column report.marketplace_click_day.click_date is 'Local date of the click, whenever it was charged';
comment on column report.marketplace_click_day.profile is 'The advertiser';
comment on column report.marketplace_click_day.profile_name is 'The advertiser''s name, as it is now';
comment on column report.marketplace_click_day.advertisement is 'The advertisement that was clicked';
comment on column report.marketplace_click_day.advertisement_name is 'Its name, as it is now';
comment on column report.marketplace_click_day.publisher is 'Whose website it was; null: a click without one';
comment on column report.marketplace_click_day.website is 'The website it was clicked on; null: a click without one';
comment on column report.marketplace_click_day.website_name is 'The website''s name, as it is now; null: none';
comment on column report.marketplace_click_day.clicks is 'Clicks, those taken back later included';
comment on column report.marketplace_click_day.price_amount is 'NOK that the advertiser pays for the clicks, 6 decimals, 0 or more';
comment on column report.marketplace_click_day.commission_amount is 'NOK that the marketplace keeps of price_amount, 6 decimals, 0 or more';
comment on column report.marketplace_click_day.publisher_amount is 'NOK of price_amount that is the publisher''s, 6 decimals, 0 or more';
comment on column report.marketplace_click_day.publisher_name is 'Its name, as it is now; null: no publisher';
