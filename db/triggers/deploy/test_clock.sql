-- Only a superuser marks a database for tests, and for good: what another clock wrote stays in it.

create or replace function deploy.test_clock_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, deploy, pg_temp
as $$
begin
    if tg_op = 'INSERT' and (select r.rolsuper from pg_roles as r where r.rolname = session_user) then
        return null;
    end if;
    raise exception 'only a superuser marks a database for tests, and for good' using
        errcode = '42501',
        detail = format('%s of deploy.test_clock by %s.', tg_op, session_user),
        hint = 'Make another database for tests, and mark that as a superuser: insert into deploy.test_clock default values.';
end;
$$;

comment on function deploy.test_clock_keep() is
'A database is marked for tests by a superuser''s login, and stays so: what was written by another clock does. 42501.';

create or replace trigger test_clock_keep
before insert or update or delete or truncate on deploy.test_clock
for each statement execute function deploy.test_clock_keep();
alter table deploy.test_clock enable always trigger test_clock_keep;
