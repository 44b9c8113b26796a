create or replace function marketplace.click_counts(
    p_profile bigint, p_side text, p_from date, p_to date, p_step text default 'day'
)
returns table (item bigint, item_name text, period_begins timestamptz, clicks bigint, amount numeric)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_begins timestamptz;
    v_ends timestamptz;
    v_zone constant text := books.time_zone();
begin
    perform books.check_text('p_side', p_side, 'p_step', p_step);
    perform books.check_day('p_from', p_from);
    perform books.check_day('p_to', p_to);
    -- Of all, for who sees all; check_profile says so of no profile, too.
    if p_profile is not null or not marketplace.sees_all() then
        perform marketplace.check_profile(p_profile);
    end if;
    v_begins := marketplace.day_begins(p_from);
    v_ends := marketplace.day_begins(p_to);
    perform marketplace.check_period(p_side, p_from, p_to, p_step, false);
    if p_side = 'ADVERTISEMENT' then
        return query
        with clicked as (
            select
                c.advertisement as item, date_trunc(p_step, c.click_time, v_zone) as period_begins,
                count(*) as clicks, sum(c.price) as amount
            from marketplace.ad_click as c
            where
                (p_profile is null or c.profile = p_profile)
                and c.click_time >= v_begins and c.click_time < v_ends and c.excluded_at is null
            group by 1, 2
        )

        select k.item, a.advertisement_name::text, k.period_begins, k.clicks, coalesce(k.amount, 0)
        from clicked as k
        inner join marketplace.advertisement as a on k.item = a.advertisement
        order by k.item, k.period_begins;
    else
        return query
        with clicked as (
            select
                c.website as item, date_trunc(p_step, c.click_time, v_zone) as period_begins,
                count(*) as clicks, -sum(c.publisher_share) as amount
            from marketplace.ad_click as c
            where
                (p_profile is null or c.publisher = p_profile) and c.website is not null
                and c.click_time >= v_begins and c.click_time < v_ends and c.excluded_at is null
            group by 1, 2
        )

        select k.item, w.website_name::text, k.period_begins, k.clicks, coalesce(k.amount, 0)
        from clicked as k
        inner join marketplace.website as w on k.item = w.website
        order by k.item, k.period_begins;
    end if;
end;
$$;

comment on function marketplace.click_counts(bigint, text, date, date, text) is
'Clicks over time (M8): by advertisement or by website (p_side ADVERTISEMENT or WEBSITE), of a profile, or of all if it is null, from the local day p_from until before p_to, an hour, day, week (from Monday) or month each (p_step); no row where there were none. The one place that counts them: click_series adds what had none, all_click_counts is for those who read reports. Excluded clicks are left out. amount: NOK, cost positive, earnings negative. 22023; 42501 another''s, or all; P0002 no such profile. May be null: p_profile.';
