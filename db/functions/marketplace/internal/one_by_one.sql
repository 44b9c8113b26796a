create or replace function marketplace.one_by_one(p_is_so boolean)
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    -- Elsewhere a name that nobody knows.
    perform set_config('citus.multi_shard_modify_mode', case when p_is_so then 'sequential' else 'parallel' end, true);
end;
$$;

comment on function marketplace.one_by_one(boolean) is
'Until it is called with false: where clicks are distributed, one connection a node changes them. For few clicks: each other connection is a transaction to prepare and to commit there. On one PostgreSQL it does nothing.';
