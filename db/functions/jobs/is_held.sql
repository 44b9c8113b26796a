create or replace function jobs.is_held(p_lock bigint)
returns boolean
language sql volatile parallel restricted
set search_path = pg_catalog, jobs, pg_temp
return exists (
    select from pg_locks as l
    where
        l.locktype = 'advisory' and l.granted and l.objsubid = 1
        and l.database = (select d.oid from pg_database as d where d.datname = current_database())
        and (l.classid::bigint << 32 | l.objid::bigint) = p_lock
);

comment on function jobs.is_held(bigint) is 'Whether a session of this database holds this advisory lock.';
