create or replace function marketplace.flag_clicks(p_until timestamptz, p_now timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
set plan_cache_mode = force_custom_plan
-- The new clicks by the index of unlinked ones; then, of the few spans that one of them lies in, the clicks by their key.
set enable_nestloop = on
set enable_seqscan = off
set enable_indexscan = on
set jit = off
as $$
begin
    with rule as materialized (
        select r.kind, r.clicks, r.within, timestamptz '2000-01-01 00:00:00+01' as begins
        from marketplace.click_flag_rule as r
        where r.is_enabled
    ),

    touched as materialized (
        select distinct r.kind, r.clicks as rule_clicks, c.profile, date_bin(r.within, c.click_time, r.begins) as since, r.within
        from marketplace.ad_click as c
        cross join rule as r
        where
            c.advertisement_charge_transaction is null and c.excluded_at is null
            and c.publisher_share is not null
            and c.click_time at time zone 'UTC' < p_until at time zone 'UTC'
            and case r.kind when 'OWN_SITE' then c.publisher = c.profile else c.clicker is not null end
    ),

    counted as materialized (
        select
            t.kind, t.rule_clicks, t.profile, t.since, t.since + t.within as until,
            case t.kind when 'BURST' then c.advertisement end as advertisement,
            case t.kind when 'OWN_SITE' then c.website end as website,
            case t.kind when 'BURST' then c.clicker end as clicker,
            count(*) as clicks
        from touched as t
        inner join marketplace.ad_click as c
            on t.profile = c.profile and c.click_time >= t.since and c.click_time < t.since + t.within
        where
            c.excluded_at is null
            and case t.kind when 'OWN_SITE' then c.publisher = c.profile else c.clicker is not null end
        group by 1, 2, 3, 4, 5, 6, 7, 8
        having count(*) >= t.rule_clicks
    )

    insert into marketplace.click_flag (
        kind, profile, advertisement, website, clicker, since, until, clicks, rule_clicks, flagged_at
    )
    select k.kind, k.profile, k.advertisement, k.website, k.clicker, k.since, k.until, k.clicks, k.rule_clicks, p_now
    from counted as k
    -- What somebody has looked at is looked at again where more have come.
    where not exists (
        select from marketplace.click_flag as f
        where
            f.decision = 'ACCEPTED' and f.kind = k.kind and f.profile = k.profile and f.since = k.since
            and (f.advertisement, f.website, f.clicker) is not distinct from (k.advertisement, k.website, k.clicker)
            and f.clicks >= k.clicks
    )
    on conflict (
        kind, profile, since, coalesce(advertisement, 0), coalesce(website, 0), coalesce(clicker, '')
    ) where decision is null
    do update set clicks = excluded.clicks where click_flag.clicks <> excluded.clicks;
end;
$$;

comment on function marketplace.flag_clicks(timestamptz, timestamptz) is
'Flags what a person should look at among the clicks before p_until that are linked to nothing yet (click_flag_rule), counted with those of the same span that came before. They are linked and charged all the same. Costs what is new. For link_clicks alone.';
