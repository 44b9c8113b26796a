create or replace function marketplace.undo_website_move(p_website_move bigint, p_reason text, p_now timestamptz default null)
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
            detail = format('Move %s.', p_website_move),
            hint = 'Say in p_reason why; it stays with the move.';
    end if;
    perform marketplace.lock_open_month(null, p_now);
    perform from marketplace.website as w
    inner join marketplace.website_move as m on w.website = m.website
    where m.website_move = p_website_move
    for no key update of w;
    update marketplace.website_move as m
    set undone_at = p_now, undone_by = session_user, undo_reason = p_reason
    where m.website_move = p_website_move and m.undone_at is null;
    if not found then
        raise exception 'no such move stands' using
            errcode = 'P0002',
            detail = format('Move %s.', p_website_move),
            hint = 'select * from marketplace.website_move where undone_at is null; shows what was moved.';
    end if;
    perform marketplace.follow_moves('infinity');
end;
$$;

comment on function marketplace.undo_website_move(bigint, text, timestamptz) is
'Takes the last move of a website back, as if it had never been: its clicks are the earlier owner''s again. 22023; P0002 no such move stands; 23B59 it was not the last, or clicks of since then are charged already: then move it back from now on.';
