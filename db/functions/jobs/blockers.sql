create or replace function jobs.blockers()
returns table (
    pid int, login_role text, application_name text, state text, open_for interval, waiting bigint, waited interval, tables text[]
)
language sql volatile security definer
set search_path = pg_catalog, jobs, pg_temp
set quote_all_identifiers = off -- it names tables
begin atomic
    with waiter as materialized (
        select a.pid, a.query_start
        from pg_stat_get_activity(null) as a
        where a.wait_event_type = 'Lock' and a.datid = (select d.oid from pg_database as d where d.datname = current_database())
    ),

    pair as (
        select w.pid as waiter, w.query_start, b.pid
        from waiter as w
        cross join lateral unnest(pg_blocking_pids(w.pid)) as b (pid)
    ),

    -- A waiter asks for a table's lock, or for a row's: then it has, or asks for, the lock of the row's place.
    wanted as (
        select distinct l.pid, l.relation::regclass::text as table_name
        from pg_locks as l
        inner join waiter as w on l.pid = w.pid
        where l.relation is not null and (not l.granted or l.locktype = 'tuple')
    )

    select
        p.pid, u.rolname::text, a.application_name, case when p.pid = 0 then 'prepared' else a.state end,
        clock_timestamp() - a.xact_start, count(distinct p.waiter),
        max(clock_timestamp() - p.query_start),
        coalesce(array_agg(distinct t.table_name order by t.table_name) filter (where t.table_name is not null), '{}')
    from pair as p
    left join lateral pg_stat_get_activity(p.pid) as a on true
    left join pg_roles as u on a.usesysid = u.oid
    left join wanted as t on p.waiter = t.pid
    -- Who waits in the line themselves hold nobody up by their own doing.
    where p.pid not in (select w.pid from waiter as w) and (p.pid = 0 or a.pid is not null)
    group by p.pid, u.rolname, a.application_name, a.state, a.xact_start;
end;

comment on function jobs.blockers() is
'Sessions that others wait for, one row each: who they are, since when their transaction is open, how many wait, the longest how long, and for which tables. Who waits in line behind another is left out. pid 0, state prepared: transactions that were prepared for a two-phase commit, and have no session. May be null: login_role, application_name, open_for.';
