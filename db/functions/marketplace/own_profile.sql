create or replace function marketplace.own_profile()
returns bigint
language sql stable parallel safe security definer
set search_path = pg_catalog, marketplace, pg_temp
return (select p.profile from marketplace.profile as p where p.login_role = session_user);

comment on function marketplace.own_profile() is
'The profile that who logged in (session_user) is; null: none. Row-level security asks it. May be null: the result.';
