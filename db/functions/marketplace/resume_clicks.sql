create or replace function marketplace.resume_clicks(p_pause bigint, p_reason text, p_now timestamptz default null)
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
            detail = format('Pause %s.', p_pause),
            hint = 'Say in p_reason why; it stays with the pause.';
    end if;
    if exists (
        select from marketplace.pause as p where p.pause = p_pause and p.paused_by <> session_user
    ) and not pg_has_role(session_user, 'bookkeeper', 'member') then
        raise exception 'another has paused it' using
            errcode = '42501',
            detail = format('Pause %s, by %s.', p_pause, (select p.paused_by from marketplace.pause as p where p.pause = p_pause)),
            hint = 'Who paused it resumes it, or a bookkeeper.';
    end if;
    update marketplace.pause as p
    set paused_until = p_now, resumed_by = session_user, resume_reason = p_reason
    where p.pause = p_pause and p.paused_until is null;
    if not found then
        raise exception 'no such pause is open' using
            errcode = 'P0002',
            detail = format('Pause %s.', p_pause),
            hint = 'select * from marketplace.pause where paused_until is null; shows what is paused.';
    end if;
end;
$$;

comment on function marketplace.resume_clicks(bigint, text, timestamptz) is
'Ends a pause: clicks are charged again from now on; those of the pause never are. 22023; 42501 another paused it, and the login is no bookkeeper; P0002 no such pause is open.';
