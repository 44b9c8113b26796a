-- Every trigger as it was: on, and ALWAYS.
do $$
declare
    r record;
begin
    for r in
        select tgrelid::regclass as table_name, tgname
        from pg_trigger
        where
            not tgisinternal and tgenabled = 'D'
            and tgrelid in (select oid from pg_class where relnamespace = 'billig'::regnamespace)
    loop
        execute format('alter table %s enable always trigger %I', r.table_name, r.tgname);
    end loop;
    if exists (select from consistency.trigger_guard) then
        raise exception 'a trigger is off';
    end if;
end;
$$;
