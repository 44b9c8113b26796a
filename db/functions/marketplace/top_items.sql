create or replace function marketplace.top_items(
    p_profile bigint, p_side text, p_from date, p_to date, p_limit int default 10
)
returns table (place bigint, item bigint, item_name text, clicks bigint, amount numeric)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_begins timestamptz;
    v_ends timestamptz;
begin
    perform books.check_text('p_side', p_side);
    perform books.check_day('p_from', p_from);
    perform books.check_day('p_to', p_to);
    perform books.check_count('p_limit', p_limit);
    v_begins := marketplace.day_begins(p_from);
    v_ends := marketplace.day_begins(p_to);
    perform marketplace.check_profile(p_profile);
    perform marketplace.check_period(p_side, p_from, p_to, 'day');
    return query
    -- Clicks are counted before they are named: a query of clicks knows no other table where they are distributed.
    with clicked as materialized (
        select c.advertisement as item, count(*) as clicks, sum(c.price) as amount
        from marketplace.ad_click as c
        where
            p_side = 'ADVERTISEMENT' and c.profile = p_profile
            and c.click_time >= v_begins and c.click_time < v_ends and c.excluded_at is null
        group by c.advertisement
        union all
        select c.website, count(*), -sum(c.publisher_share)
        from marketplace.ad_click as c
        where
            p_side = 'WEBSITE' and c.publisher = p_profile
            and c.click_time >= v_begins and c.click_time < v_ends and c.excluded_at is null
        group by c.website
    ),

    thing as (
        select a.advertisement as item, a.advertisement_name::text as item_name, coalesce(k.clicks, 0) as clicks, k.amount
        from marketplace.advertisement as a
        left join clicked as k on a.advertisement = k.item
        where p_side = 'ADVERTISEMENT' and a.profile = p_profile
        union all
        select w.website, w.website_name, coalesce(k.clicks, 0), k.amount
        from marketplace.website as w
        left join clicked as k on w.website = k.item
        where p_side = 'WEBSITE' and w.website in (
            select o.website from marketplace.website_owner as o
            where o.profile = p_profile and o.valid_from < v_ends and o.valid_to > v_begins
        )
    )

    select row_number() over (order by t.clicks desc, t.item), t.item, t.item_name, t.clicks, coalesce(t.amount, 0)
    from thing as t
    order by 1
    limit p_limit;
end;
$$;

comment on function marketplace.top_items(bigint, text, date, date, int) is
'A profile''s advertisements or websites (p_side ADVERTISEMENT or WEBSITE) with the most clicks, from the local day p_from until before p_to. Excluded clicks are left out. amount: NOK, cost positive, earnings negative. 22023; 42501 another''s; P0002 no such profile.';
