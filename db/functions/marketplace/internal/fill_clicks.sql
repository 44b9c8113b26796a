create or replace function marketplace.fill_clicks(p_until timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
set enable_nestloop = off
set enable_seqscan = off
set enable_indexscan = off
set jit = off
as $$
begin
    -- Row 0 stands for no website: the table to be updated cannot be on the outer side of a join.
    update marketplace.ad_click as c
    set
        publisher = w.profile,
        price = coalesce(c.price, a.price),
        commission_rate = coalesce(c.commission_rate, r.rate),
        publisher_share = marketplace.publisher_share(
            coalesce(c.price, a.price), coalesce(c.commission_rate, r.rate), c.website
        )
    from marketplace.advertisement_tariff as a
    cross join marketplace.commission_period as r
    cross join (
        select s.website, s.profile, s.valid_from, s.valid_to from marketplace.website_owner as s
        union all
        select 0, null, '-infinity', 'infinity'
    ) as w
    where
        c.advertisement_charge_transaction is null and c.excluded_at is null
        and c.publisher_share is null
        and c.click_time at time zone 'UTC' < p_until at time zone 'UTC'  -- see new_click_owners
        and c.advertisement = a.advertisement and c.profile = a.profile
        and c.click_time >= a.valid_from and c.click_time < a.valid_to
        and c.click_time >= r.valid_from and c.click_time < r.valid_to
        and (c.website is null or c.website > 0) and coalesce(c.website, 0) = w.website
        and c.click_time >= w.valid_from and c.click_time < w.valid_to;
end;
$$;

comment on function marketplace.fill_clicks(timestamptz) is
'Copies publisher, price and commission, as they were at the click''s time, into clicks that came by plain INSERT without them. A click of no advertisement of its profile, of no website, or of a time without price or rate stays as it is, unlinked, and verify_month says so.';
