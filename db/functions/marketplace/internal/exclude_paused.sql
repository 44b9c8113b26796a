create or replace function marketplace.exclude_paused(p_until timestamptz, p_now timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
set plan_cache_mode = force_custom_plan
-- By the index of unlinked clicks: see link_clicks.
set enable_nestloop = off
set enable_seqscan = off
set enable_indexscan = off
set jit = off
as $$
begin
    if not exists (select from marketplace.pause) then
        return;
    end if;
    with paused as materialized (
        select
            p.advertisement, p.paused_from, coalesce(p.paused_until, 'infinity') as paused_until,
            left(format('paused: %s', p.reason), 500) as reason
        from marketplace.pause as p
        where p.advertisement is not null
        union all
        select
            a.advertisement, p.paused_from, coalesce(p.paused_until, 'infinity'),
            left(format('paused: %s', p.reason), 500)
        from marketplace.pause as p
        inner join marketplace.advertisement as a on p.profile = a.profile
    )

    update marketplace.ad_click as c
    set excluded_at = p_now, excluded_by = session_user, excluded_reason = p.reason
    from paused as p
    where
        c.advertisement_charge_transaction is null and c.excluded_at is null
        and c.click_time at time zone 'UTC' < p_until at time zone 'UTC'
        and c.advertisement = p.advertisement and c.click_time >= p.paused_from and c.click_time < p.paused_until;
    with paused as materialized (
        select
            p.website, p.paused_from, coalesce(p.paused_until, 'infinity') as paused_until,
            left(format('paused: %s', p.reason), 500) as reason
        from marketplace.pause as p
        where p.website is not null
        union all
        select
            w.website, greatest(p.paused_from, w.valid_from), least(coalesce(p.paused_until, 'infinity'), w.valid_to),
            left(format('paused: %s', p.reason), 500)
        from marketplace.pause as p
        inner join marketplace.website_owner as w on p.profile = w.profile
    )

    update marketplace.ad_click as c
    set excluded_at = p_now, excluded_by = session_user, excluded_reason = p.reason
    from paused as p
    where
        c.advertisement_charge_transaction is null and c.excluded_at is null
        and c.click_time at time zone 'UTC' < p_until at time zone 'UTC'
        and c.website = p.website and c.click_time >= p.paused_from and c.click_time < p.paused_until;
end;
$$;

comment on function marketplace.exclude_paused(timestamptz, timestamptz) is
'Excludes the clicks before p_until that are linked to nothing yet and lie in a pause of their advertisement, their website, or a profile whose either is: they stay, with the reason, and are not charged. For link_clicks alone.';
