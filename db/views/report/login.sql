create or replace view report.login as
select
    r.rolname::text as login_role,
    s.group_role,
    coalesce(array_agg(s.setting order by s.setting) filter (where not h.is_set), '{}') as unset,
    r.rolbypassrls as is_mighty
from pg_roles as r
inner join deploy.login_setting as s
    on r.rolname <> s.group_role and not r.rolsuper and pg_has_role(r.oid, s.group_role::regrole, 'member')
cross join lateral (
    select exists (
        select
        from pg_db_role_setting as g
        cross join lateral unnest(g.setconfig) as c (setting)
        where
            g.setrole in (r.oid, 0)
            and g.setdatabase in (0, (select d.oid from pg_database as d where d.datname = current_database()))
            and c.setting like s.setting || '=%' and c.setting <> s.setting || '=0'
    ) as is_set
) as h
where r.rolcanlogin
group by r.rolname, r.rolbypassrls, s.group_role;

comment on view report.login is
'Who may log in as a member of which group role, one row per login and group, and which time-outs its sessions begin without. All is well where unset is empty: deploy.create_login, called again, sets them. Superusers are left out: nothing bounds them.';
comment on column report.login.login_role is 'The login';
comment on column report.login.group_role is 'A group that it is a member of, itself or by another role';
comment on column report.login.unset is 'Settings of deploy.login_setting that neither the login has, nor the database for all; whatever their value';
comment on column report.login.is_mighty is 'Whether row-level security does not hold for it';
