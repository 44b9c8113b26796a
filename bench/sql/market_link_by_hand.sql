-- The nightly update without its rules: the rows' new values are in the rows themselves.
begin;
select c.profile, c.publisher, count(*), sum(c.price), sum(c.publisher_share)
from public.plain_click as c
where c.advertisement_charge_transaction is null and c.excluded_at is null and c.click_time < %(until)s
group by grouping sets ((c.profile), (c.publisher));
update public.plain_click as c
set advertisement_charge_transaction = c.profile, website_payment_transaction = c.publisher
where c.advertisement_charge_transaction is null and c.excluded_at is null and c.click_time < %(until)s;
commit;
