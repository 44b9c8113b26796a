create or replace function marketplace.click_days(p_month date)
returns table (
    click_date date, profile bigint, advertisement bigint, publisher bigint, website bigint, clicks bigint,
    price_amount numeric, commission_amount numeric, publisher_amount numeric
)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_begins constant timestamptz := marketplace.day_begins(p_month);
    v_ends constant timestamptz := marketplace.day_begins(marketplace.next_month(p_month));
begin
    perform books.check_day('p_month', p_month);
    return query
    select
        (c.click_time at time zone books.time_zone())::date, c.profile, c.advertisement, c.publisher, c.website,
        count(*), sum(c.price), sum(c.price - c.publisher_share), sum(c.publisher_share)
    from marketplace.ad_click as c
    where c.click_time >= v_begins and c.click_time < v_ends and c.excluded_at is null
    group by (c.click_time at time zone books.time_zone())::date, c.profile, c.advertisement, c.publisher, c.website;
end;
$$;

comment on function marketplace.click_days(date) is
'A month''s clicks by day, advertisement and website, excluded ones left out; NOK, 6 decimals. For those who may read report.marketplace_click_day, which asks it, and not the clicks themselves. 22023. May be null: publisher, website, price_amount, commission_amount, publisher_amount.';
