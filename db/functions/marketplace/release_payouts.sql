create or replace function marketplace.release_payouts(p_profile bigint, p_reason text, p_now timestamptz default null)
returns void
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_reason', p_reason);
    p_now := jobs.server_time(p_now);
    if coalesce(p_reason, '') = '' then
        raise exception 'a reason is needed' using
            errcode = '22023',
            detail = format('Profile %s.', p_profile),
            hint = 'Say in p_reason why; it stays with the hold.';
    end if;
    update marketplace.payout_hold as h
    set released_at = p_now, released_by = session_user, release_reason = p_reason
    where h.profile = p_profile and h.released_at is null;
    if not found then
        raise exception 'the payouts of the profile are not held' using
            errcode = 'P0002',
            detail = format('Profile %s.', p_profile),
            hint = 'select * from marketplace.payout_hold where released_at is null; shows whose are.';
    end if;
end;
$$;

comment on function marketplace.release_payouts(bigint, text, timestamptz) is
'Ends the hold of a profile''s payouts; the next run makes those that are due. 22023; P0002 they are not held.';
