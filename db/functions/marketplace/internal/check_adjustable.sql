create or replace function marketplace.check_adjustable(
    p_profiles bigint[], p_click_times timestamptz[], p_ad_clicks bigint[], p_clicks marketplace.ad_click[], p_sides text[]
)
returns void
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
-- Each click's adjustments by their key: a plan that was made while there were few would read all there have been since.
set enable_nestloop = on
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    v_bad record;
begin
    select k.profile, k.click_time, k.ad_click into v_bad
    from (
        select k.profile, k.click_time, k.ad_click
        from unnest(p_profiles, p_click_times, p_ad_clicks) as k (profile, click_time, ad_click)
        except
        select c.profile, c.click_time, c.ad_click from unnest(p_clicks) as c
    ) as k
    order by k.click_time, k.profile, k.ad_click
    limit 1;
    if found then
        raise exception 'no such click' using
            errcode = 'P0002',
            detail = format('Profile %s, %s, click %s.', v_bad.profile, v_bad.click_time, v_bad.ad_click),
            hint = 'They are in marketplace.ad_click; its key is profile, click_time and ad_click. None was taken back.';
    end if;
    select c.profile, c.click_time, c.ad_click, c.excluded_at is not null as is_excluded, coalesce(t.status, '') as status, j.side
    into v_bad
    from unnest(p_clicks) as c
    left join marketplace.transaction as t on c.advertisement_charge_transaction = t.transaction
    left join marketplace.adjustment as j
        on c.profile = j.click_profile and c.click_time = j.click_time and c.ad_click = j.ad_click and j.side = any (p_sides)
    where
        t.transaction is null or t.status = 'CURRENT' or j.adjustment is not null
        or c.publisher is null and 'ADVERTISEMENT' <> all (p_sides)
    order by j.adjustment is not null, c.click_time, c.profile, c.ad_click
    limit 1;
    if not found then
        return;
    elsif v_bad.side is not null then
        raise exception 'the click is adjusted already' using
            errcode = '23B65',
            detail = format('Profile %s, %s, click %s, %s.', v_bad.profile, v_bad.click_time, v_bad.ad_click, lower(v_bad.side)),
            hint = 'It is in marketplace.adjustment; a click is taken back once. None was taken back now.';
    elsif v_bad.status not in ('', 'CURRENT') then
        raise exception 'the click was on no website' using
            errcode = '22023',
            detail = format('Profile %s, %s, click %s.', v_bad.profile, v_bad.click_time, v_bad.ad_click),
            hint = 'On a page of our own nobody was paid: its only side is ADVERTISEMENT. None was taken back.';
    end if;
    raise exception 'the click is not settled' using
        errcode = '23B64',
        detail = format('Profile %s, %s, click %s: %s.', v_bad.profile, v_bad.click_time, v_bad.ad_click, case
            when v_bad.is_excluded then 'excluded'
            when v_bad.status = 'CURRENT' then 'charged in the open month'
            else 'not charged yet'
        end),
        hint = 'Before close, a click is taken out by marketplace.exclude_clicks. None was taken back.';
end;
$$;

comment on function marketplace.check_adjustable(bigint[], timestamptz[], bigint[], marketplace.ad_click[], text[]) is
'Refuses clicks that are not there (P0002: p_clicks are those that are), not settled (23B64), taken back on one of these sides before (23B65), or have none of them (22023). For take_back_clicks alone.';
