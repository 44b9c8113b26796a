create or replace function bank.analyze_grown(p_table regclass, p_rows bigint)
returns void
language plpgsql
set search_path = pg_catalog, bank, pg_temp
as $$
begin
    if p_rows > (select 1000 + 0.1 * greatest(c.reltuples, 0) from pg_class as c where c.oid = p_table) then
        execute format('analyze %s', p_table);
    end if;
end;
$$;

comment on function bank.analyze_grown(regclass, bigint) is
'Looks at a table anew (ANALYZE) where so many rows were added that the planner would mistake it: who reads a report right after a large file would else wait for minutes, until autovacuum has been there.';
