create or replace function deploy.create_login(p_group text, p_name text)
returns void
language plpgsql
set search_path = pg_catalog, deploy, pg_temp
as $$
declare
    v_setting record;
begin
    perform books.check_text('p_group', p_group, 'p_name', p_name);
    if not exists (select from deploy.login_setting as s where s.group_role = p_group) then
        raise exception 'there is no such group role' using
            errcode = 'P0002',
            detail = format('Group %L.', p_group),
            hint = 'The groups are in deploy.login_setting.';
    end if;
    if coalesce(p_name, '') !~ '^(?!pg_)[a-z_][a-z0-9_]{0,62}$' or p_name in ('public', 'none') then
        raise exception 'a login has a name of small letters, digits and underscores' using
            errcode = '22023',
            detail = format('Name %L.', p_name),
            hint = 'At most 63 of them; it does not begin with a digit, nor as PostgreSQL''s own (pg_), and is not public or none.';
    end if;
    if exists (select from deploy.login_setting as s where s.group_role = p_name) or p_name = 'pybridge_owner' then
        raise exception 'nobody logs in as a group' using
            errcode = '22023',
            detail = format('Name %L.', p_name),
            hint = 'A login is a member of a group, and has a name of its own.';
    end if;

    if exists (select from pg_roles as r where r.rolname = p_name and r.rolsuper) then
        raise exception 'a superuser is in no group' using
            errcode = '22023',
            detail = format('Name %L.', p_name),
            hint = 'It may do all of it already; the time-outs would end its deploys and dumps. Make a login of its own.';
    end if;

    -- One that is there keeps its password, and what else it is a member of.
    if not exists (select from pg_roles as r where r.rolname = p_name) then
        execute format('create role %I login', p_name);
    elsif not (select r.rolcanlogin from pg_roles as r where r.rolname = p_name) then
        execute format('alter role %I login', p_name);
    end if;
    if not pg_has_role(p_name, p_group, 'member') then
        execute format('grant %I to %I', p_group, p_name);
    end if;
    for v_setting in
        select s.setting, s.setting_value from deploy.login_setting as s where s.group_role = p_group
    loop
        execute format('alter role %I set %I = %L', p_name, v_setting.setting, v_setting.setting_value);
    end loop;
end;
$$;

comment on function deploy.create_login(text, text) is
'Makes a login role that is a member of a group role, with the settings of deploy.login_setting; one that is there is given them, and made a member; of several groups, the last one named says which settings, and ALTER ROLE gives it others. It has no password yet: \password in psql. Runs with the rights of its caller, who must be able to create roles and to grant the group: a superuser, say. 22023 no name for a login, or a group''s, or a superuser; P0002 no such group; 42501.';
