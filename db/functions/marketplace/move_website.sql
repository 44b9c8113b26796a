create or replace function marketplace.move_website(
    p_website bigint,
    p_profile bigint,
    p_reason text,
    p_from timestamptz default null,
    p_now timestamptz default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_month date;
    v_move bigint;
begin
    perform books.check_text('p_reason', p_reason);
    perform books.check_moment('p_from', p_from);
    p_now := jobs.server_time(p_now);
    if coalesce(p_reason, '') = '' then
        raise exception 'a website is moved for a reason' using
            errcode = '22023',
            detail = format('Website %s to profile %s.', p_website, p_profile),
            hint = 'Say in p_reason why; it stays with the move.';
    end if;
    -- No update links clicks meanwhile.
    v_month := marketplace.lock_open_month(null, p_now);
    perform from marketplace.profile as p where p.profile = p_profile for no key update;
    if found then
        perform from marketplace.website as w where w.website = p_website for no key update;
    end if;
    if not found then
        raise exception 'no such website or profile' using
            errcode = 'P0002',
            detail = format('Website %s, profile %s.', p_website, p_profile),
            hint = 'They are in marketplace.website and marketplace.profile.';
    end if;
    insert into marketplace.website_move (website, profile, moved_from, reason, made_at)
    values (p_website, p_profile, coalesce(p_from, greatest(p_now, marketplace.linked_until(v_month))), p_reason, p_now)
    returning website_move into v_move;
    perform marketplace.follow_moves('infinity');
    return v_move;
end;
$$;

comment on function marketplace.move_website(bigint, bigint, text, timestamptz, timestamptz) is
'Gives a website to another profile from p_from on (null: now); the move''s number. Clicks of before stay with the earlier owner, late ones too, and both are paid for the month. p_from may lie in the past so far as no click of since then is charged yet, and not in the future. A pause of the website goes on. 22023; P0002 no such website or profile; 23B59 it has the website already, has left, or clicks from then on are charged; 23B61 no month was ever open. undo_website_move takes it back.';
