create or replace function marketplace.follow_moves(p_until timestamptz)
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
    if not exists (select from marketplace.website_move) then
        return;
    end if;
    with owner as materialized (
        select o.website, o.profile, o.valid_from, o.valid_to
        from marketplace.website_owner as o
        where o.website in (select m.website from marketplace.website_move as m)
    )

    update marketplace.ad_click as c
    set publisher = o.profile
    from owner as o
    where
        c.advertisement_charge_transaction is null and c.excluded_at is null
        and c.publisher_share is not null
        and c.click_time at time zone 'UTC' < p_until at time zone 'UTC'
        and c.website = o.website and c.click_time >= o.valid_from and c.click_time < o.valid_to
        and c.publisher <> o.profile;
end;
$$;

comment on function marketplace.follow_moves(timestamptz) is
'Gives the clicks before p_until that are linked to nothing yet to whose the website was at their time: they may have come before somebody said that it was moved, or that it was not. For link_clicks, move_website and undo_website_move alone.';
