create or replace function marketplace.click_nodes()
returns table (node_name text, node_port int, is_reached boolean, shards bigint, size bigint, unfinished bigint)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if marketplace.is_distributed() then
        -- By EXECUTE: where there is no Citus, nothing below is known.
        for node_name, node_port, is_reached, shards, size, unfinished in execute format(
            'with answer as materialized ('
            ' select * from %s('
            '  ''select count(*) from pg_prepared_xacts where database = current_database() and gid ~ ''''^citus_0_'''''')'
            ' ),'
            ' shard as materialized ('
            '  select s.nodename, s.nodeport, s.shardid, s.shard_size from %s as s'
            '  where s.table_name in (select t.relid from pg_partition_tree(''marketplace.ad_click'') as t)'
            ' )'
            ' select n.nodename, n.nodeport, a.success,'
            '  count(s.shardid), coalesce(sum(s.shard_size), 0)::bigint, case when a.success then a.result::bigint end'
            ' from %s as n'
            ' inner join answer as a on n.nodename = a.nodename and n.nodeport = a.nodeport'
            ' left join shard as s on n.nodename = s.nodename and n.nodeport = s.nodeport'
            ' group by n.nodename, n.nodeport, a.success, a.result'
            ' order by n.nodename, n.nodeport',
            to_regproc('pg_catalog.run_command_on_workers'), to_regclass('pg_catalog.citus_shards'), to_regclass('pg_catalog.pg_dist_node')
        ) loop
            return next;
        end loop;
    end if;
end;
$$;

comment on function marketplace.click_nodes() is
'Where clicks are distributed, what each node has: shards (of each month), their size in bytes, and unfinished, how many transactions wait there to be committed or undone, which is moments, or a crash (recover_clicks). Of a node that is not reached, the size is not counted. No row: they are on one machine. May be null: unfinished.';
