create or replace function marketplace.check_profile(p_profile bigint)
returns void
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    if not (marketplace.sees_all() or coalesce(p_profile = marketplace.own_profile(), false)) then
        raise exception 'this belongs to another profile' using
            errcode = '42501',
            detail = format('Login role %s, profile %s.', session_user, p_profile),
            hint = 'A profile''s own role asks for its own profile.';
    end if;
    if not exists (select from marketplace.profile as p where p.profile = p_profile) then
        raise exception 'no such profile' using
            errcode = 'P0002',
            detail = format('Profile %s.', p_profile),
            hint = 'Profiles are in marketplace.profile.';
    end if;
end;
$$;

comment on function marketplace.check_profile(bigint) is
'Refuses to answer a profile''s role about another profile (42501), and for no profile (P0002).';
