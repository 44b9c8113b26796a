create or replace function marketplace.hold_clicks()
returns boolean
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_waiting text[];
    v_now text[];
begin
    if not marketplace.is_distributed() then
        return false;
    end if;
    -- Whoever links or corrects clicks has a row of this table, and its lock until every node has what it did.
    lock table marketplace.month in share mode;
    -- Whom a crash has cut off has left its lock, and on nodes what Citus is going to end.
    for v_look in 1..100 loop
        -- By EXECUTE: where there is no Citus, nothing knows it.
        execute format(
            'select array('
            ' select x.gid from %s('
            '  ''select array(select gid from pg_prepared_xacts where database = current_database() and gid ~ ''''^citus_0_'''')'''
            ' ) as r cross join unnest(case when r.success then r.result::text[] else array[r.result] end) as x (gid))',
            to_regproc('pg_catalog.run_command_on_workers')
        ) into v_now;
        -- What was prepared since is somebody's new clicks.
        v_waiting := case when v_look = 1 then v_now else array(select unnest(v_waiting) intersect select unnest(v_now)) end;
        if v_waiting = '{}' then
            return true;
        end if;
        perform pg_sleep(0.1);
    end loop;
    raise exception 'what was committed has not reached every node' using
        errcode = '23B48',
        detail = format('After 10 seconds: %s.', array_to_string(v_waiting[1:5], '; ')),
        hint = 'When all nodes are up: select marketplace.recover_clicks(); then again.';
end;
$$;

comment on function marketplace.hold_clicks() is
'Until the transaction ends, clicks stay as the ledger says on every node: who links or corrects them waits, and what is under way, or a crash has cut in two, is waited for. New clicks come in meanwhile. For whoever compares clicks with the ledger, at READ COMMITTED. False on one PostgreSQL, whose snapshots are whole: nothing is held. 23B48 what was committed has not reached every node.';
