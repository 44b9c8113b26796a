create or replace function marketplace.reopen_account(p_profile bigint, p_reason text, p_now timestamptz default null)
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
            hint = 'Say in p_reason why; it stays with the account.';
    end if;
    if exists (
        select from marketplace.account_closing as k
        where k.profile = p_profile and k.reopened_at is null and k.closed_by <> session_user
    ) and not pg_has_role(session_user, 'bookkeeper', 'member') then
        raise exception 'another has closed the account' using
            errcode = '42501',
            detail = format('Profile %s.', p_profile),
            hint = 'Who closed it opens it again, or a bookkeeper.';
    end if;
    perform from marketplace.profile as p where p.profile = p_profile for no key update;
    update marketplace.account_closing as k
    set reopened_at = p_now, reopened_by = session_user, reopen_reason = p_reason
    where k.profile = p_profile and k.reopened_at is null;
    if not found then
        raise exception 'the account is not closed' using
            errcode = 'P0002',
            detail = format('Profile %s.', p_profile),
            hint = 'select * from marketplace.account_closing where reopened_at is null; shows whose are.';
    end if;
    perform marketplace.resume_clicks(p.pause, p_reason, p_now)
    from marketplace.pause as p
    where p.profile = p_profile and p.paused_until is null;
end;
$$;

comment on function marketplace.reopen_account(bigint, text, timestamptz) is
'Opens an account that was closed: its clicks are charged again from now on, and minimums hold for it. What was paid or donated meanwhile stays so (undo_settlement). 22023; 42501 another closed or paused it, and the login is no bookkeeper; P0002 it is not closed.';
