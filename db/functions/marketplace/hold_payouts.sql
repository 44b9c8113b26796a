create or replace function marketplace.hold_payouts(p_profile bigint, p_reason text, p_now timestamptz default null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_hold bigint;
begin
    perform books.check_text('p_reason', p_reason);
    p_now := jobs.server_time(p_now);
    if coalesce(p_reason, '') = '' then
        raise exception 'a reason is needed' using
            errcode = '22023',
            detail = format('Profile %s.', p_profile),
            hint = 'Say in p_reason why; it stays with the hold.';
    end if;
    perform from marketplace.profile as p where p.profile = p_profile for no key update;
    if not found then
        raise exception 'no such profile' using
            errcode = 'P0002',
            detail = format('Profile %s.', p_profile),
            hint = 'Profiles are in marketplace.profile.';
    end if;
    if exists (select from marketplace.payout_hold as h where h.profile = p_profile and h.released_at is null) then
        raise exception 'the payouts of the profile are held already' using
            errcode = '23B94',
            detail = format('Profile %s: %s.', p_profile, (
                select h.reason from marketplace.payout_hold as h where h.profile = p_profile and h.released_at is null
            )),
            hint = format('select marketplace.release_payouts(%s, ''why''); releases them.', p_profile);
    end if;
    insert into marketplace.payout_hold (profile, reason, held_at)
    values (p_profile, p_reason, p_now)
    returning payout_hold into v_hold;
    return v_hold;
end;
$$;

comment on function marketplace.hold_payouts(bigint, text, timestamptz) is
'Holds a profile''s payouts from now on; the hold''s number. What was prepared and not sent is called off; what a gateway is at goes on; charges, refunds and setting off go on. 22023; P0002 no such profile; 23B94 they are held already. release_payouts ends it.';
