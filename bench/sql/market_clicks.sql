-- %(clicks)s clicks of the month's first %(days)s days, linked as update_transactions would have, and the same in plain_click.
select * from marketplace.update_transactions('2026-03-01', '2026-03-01 12:00+01');
insert into marketplace.transaction (month, profile, created_at)
select '2026-03-01', p.profile, '2026-03-01 12:00+01'
from marketplace.profile as p;

insert into marketplace.ad_click (
    profile, click_time, advertisement, website, publisher, price, commission_rate, publisher_share,
    advertisement_charge_transaction, website_payment_transaction
)
select
    c.profile, c.click_time, c.advertisement, c.website, c.publisher, c.price, c.commission_rate, c.publisher_share,
    a.transaction, w.transaction
from public.made_clicks(
    1, %(clicks)s, '2026-03-01 00:00+01', timestamptz '2026-03-01 00:00+01' + make_interval(days => %(days)s), %(probe)s
) as c
inner join marketplace.transaction as a on c.profile = a.profile
left join marketplace.transaction as w on c.publisher = w.profile
order by c.n;
insert into public.plain_click select * from marketplace.ad_click order by click_time;

insert into marketplace.transaction_subtotal (
    transaction, update_run, profile, advertisement_clicks, advertisement_amount, website_clicks, website_amount
)
select
    s.transaction, r.update_run, s.profile, sum(s.clicks), sum(s.price), sum(s.website_clicks), -sum(s.share)
from (
    select c.advertisement_charge_transaction as transaction, c.profile, 1 as clicks, c.price, 0 as website_clicks, 0 as share
    from marketplace.ad_click as c
    union all
    select c.website_payment_transaction, c.publisher, 0, 0, 1, c.publisher_share
    from marketplace.ad_click as c
    where c.publisher is not null
) as s
cross join marketplace.update_run as r
group by s.transaction, r.update_run, s.profile;
select marketplace.add_up(r.update_run) from marketplace.update_run as r;
