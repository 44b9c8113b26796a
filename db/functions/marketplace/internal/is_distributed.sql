create or replace function marketplace.is_distributed()
returns boolean
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_is_distributed boolean := false;
begin
    -- By EXECUTE: where there is no Citus, nothing knows the table.
    if to_regclass('pg_catalog.pg_dist_partition') is not null then
        execute format(
            'select exists (select from %s where logicalrelid = ''marketplace.ad_click''::regclass)',
            to_regclass('pg_catalog.pg_dist_partition')
        ) into v_is_distributed;
    end if;
    return v_is_distributed;
end;
$$;

comment on function marketplace.is_distributed() is
'Whether clicks are spread over several machines: distribute_clicks was called.';
