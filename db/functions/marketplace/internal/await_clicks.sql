create or replace function marketplace.await_clicks(p_profiles bigint[], p_click_times timestamptz[], p_ad_clicks bigint[])
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if not marketplace.is_distributed() then
        return;
    end if;
    with key as materialized (
        select distinct k.profile, k.click_time, k.ad_click
        from unnest(p_profiles, p_click_times, p_ad_clicks) as k (profile, click_time, ad_click)
    )

    update marketplace.ad_click as c
    set source = c.source
    from key as k
    where c.profile = k.profile and c.click_time = k.click_time and c.ad_click = k.ad_click;
end;
$$;

comment on function marketplace.await_clicks(bigint[], timestamptz[], bigint[]) is
'Waits until these clicks are as the ledger says. Where clicks are distributed a commit reaches the ledger first and then the node that has them: who reads one in between sees it as it was, and who updates it waits. On one PostgreSQL there is nothing to wait for.';
