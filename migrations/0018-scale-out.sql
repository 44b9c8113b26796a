-- depends: 0014-people
-- Clicks on several machines: rules that hold there as they are written. Citus gives a restrictive policy to its shards as a
-- permissive one, which lets in what any other lets in: so one alone speaks of INSERT.

drop policy ad_click_staff on marketplace.ad_click;
create policy ad_click_staff on marketplace.ad_click for select to marketplace_web, bookkeeper, auditor using (true);
drop policy ad_click_site on marketplace.ad_click;
create policy ad_click_site on marketplace.ad_click for insert to marketplace_web
with check (
    publisher is null and price is null and commission_rate is null and publisher_share is null
    and advertisement_charge_transaction is null and website_payment_transaction is null
    and excluded_at is null and excluded_by is null and excluded_reason is null
    and (clicker is null or clicker ~ '^[0-9a-f]{16,128}$')
    and marketplace.takes_click_at(click_time)
    and marketplace.is_advertisement_of(advertisement, profile)
);
