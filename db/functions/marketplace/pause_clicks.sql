create or replace function marketplace.pause_clicks(
    p_reason text,
    p_advertisement bigint default null,
    p_website bigint default null,
    p_profile bigint default null,
    p_now timestamptz default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_pause bigint;
begin
    perform books.check_text('p_reason', p_reason);
    p_now := jobs.server_time(p_now);
    if coalesce(p_reason, '') = '' or num_nonnulls(p_advertisement, p_website, p_profile) <> 1 then
        raise exception 'one thing is paused, for a reason' using
            errcode = '22023',
            detail = format('Advertisement %s, website %s, profile %s, reason %L.', p_advertisement, p_website, p_profile, p_reason),
            hint = 'An advertisement, a website, or a profile with all that it has.';
    end if;
    -- Locked, so that two at once do not both pause it.
    perform from marketplace.advertisement as a where a.advertisement = p_advertisement for no key update;
    if not found then
        perform from marketplace.website as w where w.website = p_website for no key update;
    end if;
    if not found then
        perform from marketplace.profile as p where p.profile = p_profile for no key update;
    end if;
    if not found then
        raise exception 'there is no such thing' using
            errcode = 'P0002',
            detail = format('Advertisement %s, website %s, profile %s.', p_advertisement, p_website, p_profile),
            hint = 'They are in marketplace.advertisement, website and profile.';
    end if;
    select p.pause into v_pause
    from marketplace.pause as p
    where p.paused_until is null and (p.advertisement = p_advertisement or p.website = p_website or p.profile = p_profile);
    if found then
        raise exception 'it is paused already' using
            errcode = '23B95',
            detail = format('Pause %s.', v_pause),
            hint = format('select marketplace.resume_clicks(%s, ''why''); ends it.', v_pause);
    end if;
    insert into marketplace.pause (advertisement, website, profile, reason, paused_from)
    values (p_advertisement, p_website, p_profile, p_reason, p_now)
    returning pause into v_pause;
    return v_pause;
end;
$$;

comment on function marketplace.pause_clicks(text, bigint, bigint, bigint, timestamptz) is
'From now on clicks of this advertisement, on this website, or of all that this profile has, are recorded and not charged, for the reason given; the pause''s number. What was clicked before stays charged. 22023; P0002 no such thing; 23B95 it is paused already. resume_clicks ends it.';
