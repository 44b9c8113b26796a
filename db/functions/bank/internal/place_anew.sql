create or replace function bank.place_anew(p_file_statement int, p_opening_balance numeric, p_is_whole boolean)
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
begin
    update file_entry as f
    set place = n.place, balance = n.balance
    from (
        select
            x.entry,
            row_number() over w as place,
            case when p_is_whole then p_opening_balance + sum(x.amount) over w end as balance
        from file_entry as x
        where x.statement = p_file_statement
        window w as (order by x.place, x.known, x.entry rows unbounded preceding)
    ) as n
    where f.entry = n.entry;
end;
$$;

comment on function bank.place_anew(int, numeric, boolean) is
'Numbers the entries of a statement in file_entry again, and says the balance after each, where some were made one, or one several. p_is_whole: it has no gap, and so balances between. For make_one and split_sums alone.';
