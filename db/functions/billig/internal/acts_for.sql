create or replace function billig.acts_for(p_seller text)
returns boolean
language sql stable
return p_seller is not null
and pg_has_role(session_user, 'billig_seller', 'usage')
and (
    lower(p_seller) = lower(session_user)
    or exists (select from billig.service_role as s where s.role_name = session_user)
    or (select r.rolsuper from pg_roles as r where r.rolname = session_user)
);

comment on function billig.acts_for(text) is
'Whether the login role is this seller, or a registered service or a superuser, which acts for any. Null, the web, is no seller: false.';
