create or replace function bank.align_entries(p_file_statement int, p_statement bigint, p_family text)
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
declare
    v_new bank.statement;
    r record;
begin
    select s.* into v_new from bank.statement as s where s.statement = p_statement;
    -- Two statements tell of the same stretch where the balance that one begins with stands in the other, and the
    -- balances at the end of what they share are the same. The longest stretch of each is taken.
    for r in
        with other as (
            select t.statement, t.opening_balance, t.entries
            from bank.statement as t
            inner join bank.import_file as i on t.import_file = i.import_file
            where
                t.account = v_new.account and t.statement <> p_statement
                and t.opening_balance is not null and t.closing_balance is not null
                and t.to_day >= v_new.from_day and t.from_day <= v_new.to_day
                -- numbers of one format say nothing of another's
                and not (bank.format_family(i.format) = p_family and bank.is_apart(v_new, t))
        ),

        begun as (
            select o.statement, o.entries, 0 as here, 0 as there
            from other as o
            where o.opening_balance = v_new.opening_balance
            union all
            select o.statement, o.entries, 0, l.place
            from other as o
            inner join bank.statement_entry as l on o.statement = l.statement
            where l.balance = v_new.opening_balance
            union all
            select o.statement, o.entries, f.place, 0
            from other as o
            inner join file_entry as f on o.opening_balance = f.balance
            where f.statement = p_file_statement
        ),

        stretch as (
            select b.statement, b.here, b.there, least(v_new.entries - b.here, b.entries - b.there) as length
            from begun as b
        )

        select distinct on (x.statement) x.statement, x.here, x.there, x.length
        from stretch as x
        inner join bank.statement_entry as l on x.statement = l.statement and l.place = x.there + x.length
        inner join file_entry as f on f.statement = p_file_statement and f.place = x.here + x.length
        where x.length > 0 and l.balance = f.balance
        order by x.statement asc, x.length desc, x.here asc, x.there asc
    loop
        perform bank.pair_stretch(p_file_statement, r.statement, r.here, r.there, r.length);
    end loop;
end;
$$;

comment on function bank.align_entries(int, bigint, text) is
'Recognises the entries of a statement with balances in the statements with balances that tell of the same stretch of the account''s chain. For recognise_entries alone.';
