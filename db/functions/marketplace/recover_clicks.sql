create or replace function marketplace.recover_clicks()
returns int
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_ended int := 0;
begin
    if marketplace.is_distributed() then
        -- By EXECUTE: where there is no Citus, nothing knows it.
        execute format('select %s()', to_regproc('pg_catalog.recover_prepared_transactions')) into v_ended;
    end if;
    return v_ended;
end;
$$;

comment on function marketplace.recover_clicks() is
'Ends on each node what a crash has cut in two, as the ledger says: what it has is committed, the rest undone; how many ends. Citus does it by itself within a minute; jobs of the marketplace do it before they begin, in a transaction of its own, since nobody else can meanwhile. On one PostgreSQL there is nothing to end: 0. A node that does not answer is left out, with a warning. 55P03 another one is at it.';
