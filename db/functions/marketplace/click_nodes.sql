create or replace function marketplace.click_nodes()
returns table (node_name text, node_port int, is_reached boolean, shards bigint, size bigint, unfinished bigint)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if marketplace.is_distributed() then
        -- By EXECUTE: where there is no Citus, nothing below is known.
        return query execute
            'with answer as materialized ('
            ' select * from run_command_on_workers('
            '  ''select count(*) from pg_prepared_xacts where database = current_database() and gid ~ ''''^citus_0_'''''')'
            ' ),'
            ' shard as materialized ('
            '  select s.nodename, s.nodeport, s.shardid, s.shard_size from citus_shards as s'
            '  where s.table_name in (select t.relid from pg_partition_tree(''marketplace.ad_click'') as t)'
            ' )'
            ' select n.nodename, n.nodeport, a.success,'
            '  count(s.shardid), coalesce(sum(s.shard_size), 0)::bigint, case when a.success then a.result::bigint end'
            ' from pg_dist_node as n'
            ' inner join answer as a on n.nodename = a.nodename and n.nodeport = a.nodeport'
            ' left join shard as s on n.nodename = s.nodename and n.nodeport = s.nodeport'
            ' group by n.nodename, n.nodeport, a.success, a.result'
            ' order by n.nodename, n.nodeport';
    end if;
end;
$$;

comment on function marketplace.click_nodes() is
'Where clicks are distributed, what each node has: shards (of each month), their size in bytes, and unfinished, how many transactions wait there to be committed or undone, which is moments, or a crash (recover_clicks). Of a node that is not reached, the size is not counted. No row: they are on one machine. May be null: unfinished.';
