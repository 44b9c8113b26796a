create or replace function marketplace.close_account(
    p_profile bigint,
    p_rest text,
    p_reason text,
    p_now timestamptz default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_closing bigint;
begin
    perform books.check_text('p_rest', p_rest, 'p_reason', p_reason);
    p_now := jobs.server_time(p_now);
    if p_rest is null or p_rest not in ('PAY', 'DONATE') or coalesce(p_reason, '') = '' then
        raise exception 'an account is closed for a reason, and its rest is paid or donated' using
            errcode = '22023',
            detail = format('Profile %s, rest %L, reason %L.', p_profile, p_rest, p_reason),
            hint = 'PAY: what we owe is paid, however little; DONATE: what is below the minimum stays with the operator.';
    end if;
    perform from marketplace.profile as p where p.profile = p_profile for no key update;
    if not found then
        raise exception 'no such profile' using
            errcode = 'P0002',
            detail = format('Profile %s.', p_profile),
            hint = 'Profiles are in marketplace.profile.';
    end if;
    if exists (select from marketplace.account_closing as k where k.profile = p_profile and k.reopened_at is null) then
        raise exception 'the account is closed already' using
            errcode = '23B95',
            detail = format('Profile %s.', p_profile),
            hint = format('select marketplace.reopen_account(%s, ''why''); opens it again.', p_profile);
    end if;
    insert into marketplace.account_closing (profile, rest, reason, closed_at)
    values (p_profile, p_rest, p_reason, p_now)
    returning account_closing into v_closing;
    if not exists (select from marketplace.pause as p where p.profile = p_profile and p.paused_until is null) then
        perform marketplace.pause_clicks(p_reason, p_profile => p_profile, p_now => p_now);
    end if;
    return v_closing;
end;
$$;

comment on function marketplace.close_account(bigint, text, text, timestamptz) is
'Closes a profile''s account: from now on its clicks are recorded and not charged (pause_clicks), and when the open month is closed, what it comes to is charged or paid however little; with p_rest DONATE, what is owed to it below the minimum stays with the operator (settlement DONATED). What closed months have due goes its way. What it owes and does not pay is written off by settle. The closing''s number. 22023; P0002 no such profile; 23B95 it is closed already. reopen_account undoes it.';
