create or replace function bank.merge_parts(p_file_statement int, p_new bank.statement)
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
-- How many amounts are equal is in no statistics.
set enable_nestloop = off
set jit = off
as $$
begin
    if p_new.kind <> 'NOTIFICATION' or p_new.entries < 2 then
        return;
    end if;
    update file_entry as f
    set known = s.whole
    from bank.stated_sums(p_file_statement, p_new) as s
    cross join unnest(s.entries) as x (entry)
    where f.entry = x.entry;
    if found then
        perform bank.make_one(p_file_statement);
    end if;
end;
$$;

comment on function bank.merge_parts(int, bank.statement) is
'Of a notification that tells singly of what a statement booked as one sum (bank.stated_sums): makes its entries one, known, and each of them a payment in it. For take_import alone.';
