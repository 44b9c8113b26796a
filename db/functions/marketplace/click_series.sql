create or replace function marketplace.click_series(
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
    v_begins := marketplace.day_begins(p_from);
    v_ends := marketplace.day_begins(p_to);
    perform marketplace.check_profile(p_profile);
    perform marketplace.check_period(p_side, p_from, p_to, p_step);
    return query
    with period as (
        -- Hours are steps of time, the others steps of the calendar.
        select h as period_begins
        from generate_series(v_begins, v_ends - interval '1 hour', interval '1 hour') as h
        where p_step = 'hour'
        union all
        select d at time zone v_zone
        from generate_series(
            date_trunc(p_step, p_from::timestamp), p_to::timestamp - interval '1 day', ('1 ' || p_step)::interval
        ) as d
        where p_step <> 'hour'
    ),

    thing as (
        select a.advertisement as item, a.advertisement_name::text as item_name
        from marketplace.advertisement as a
        where p_side = 'ADVERTISEMENT' and a.profile = p_profile
        union all
        select w.website, w.website_name
        from marketplace.website as w
        where p_side = 'WEBSITE' and w.website in (
            select o.website from marketplace.website_owner as o
            where o.profile = p_profile and o.valid_from < v_ends and o.valid_to > v_begins
        )
    )

    select t.item, t.item_name, p.period_begins, coalesce(k.clicks, 0), coalesce(k.amount, 0)
    from thing as t
    cross join period as p
    left join marketplace.click_counts(p_profile, p_side, p_from, p_to, p_step) as k
        on t.item = k.item and p.period_begins = k.period_begins
    order by t.item, p.period_begins;
end;
$$;

comment on function marketplace.click_series(bigint, text, date, date, text) is
'click_counts of a profile, and 0 where there were none: by advertisement or by website (M8; p_side ADVERTISEMENT or WEBSITE), from the local day p_from until before p_to, an hour, day, week (from Monday) or month each (p_step). The first week or month counts what lies in the days asked for. Excluded clicks are left out. amount: NOK, cost positive, earnings negative. 22023; 42501 another''s; P0002 no such profile.';
