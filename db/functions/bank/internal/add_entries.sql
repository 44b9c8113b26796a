create or replace function bank.add_entries(p_file_statement int, p_new bank.statement)
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
-- What was written a line above is in no statistics: a statement of 100,000 entries looks like one of one.
set enable_nestloop = off
set jit = off
as $$
begin
    with added as (
        insert into bank.entry as e (
            account, statement, place, import_file, line, booked_on, value_on, amount, charge, is_reversal,
            bank_reference, end_to_end, kid, code, entry_text, payments, more
        )
        select
            p_new.account, p_new.statement, f.place, p_new.import_file, f.line, f.booked_on, f.value_on,
            f.amount, f.charge, f.is_reversal, f.bank_reference, f.end_to_end, f.kid, f.code, f.entry_text, f.payments,
            f.more
        from file_entry as f
        where f.statement = p_file_statement and f.known is null
        order by f.place
        returning e.entry, e.place
    )

    insert into bank.statement_entry (statement, entry, place, balance, booked_on, entry_key)
    select p_new.statement, coalesce(f.known, a.entry), f.place, f.balance, f.booked_on, f.entry_key
    from file_entry as f
    left join added as a on f.place = a.place and f.known is null
    where f.statement = p_file_statement;

    -- A statement may have the total alone where a notification has the parts: who has them first gives them. Asked once
    -- per entry, before any is there; by the ends of its key, since by statistics every entry may seem to have thousands
    -- (of an entry that has none the whole table was read).
    with lacking as materialized (
        select f.entry as file_entry, l.entry
        from file_entry as f
        inner join bank.statement_entry as l on l.statement = p_new.statement and f.place = l.place
        where
            f.statement = p_file_statement
            and (f.known is null or (select max(d.detail) from bank.entry_detail as d where d.entry = f.known) is null)
    )

    insert into bank.entry_detail (
        entry, detail, amount, bank_reference, end_to_end, kid, detail_text, charge, more
    )
    select l.entry, d.detail, d.amount, d.bank_reference, d.end_to_end, d.kid, d.detail_text, d.charge, d.more
    from lacking as l
    inner join file_detail as d on l.file_entry = d.entry;

    -- References, too: of an entry that was told of without any, or without those of its payments.
    with lacking as materialized (
        select
            f.entry as file_entry, l.entry,
            (select min(o.detail) from bank.entry_reference as o where o.entry = f.known) is distinct from 0 as lacks_own,
            coalesce((select max(o.detail) from bank.entry_reference as o where o.entry = f.known), 0) = 0 as lacks_parts
        from file_entry as f
        inner join bank.statement_entry as l on l.statement = p_new.statement and f.place = l.place
        where f.statement = p_file_statement
    )

    insert into bank.entry_reference (entry, detail, place, kind, reference, amount)
    select l.entry, r.detail, r.place, r.kind, r.reference, r.amount
    from lacking as l
    inner join file_reference as r on l.file_entry = r.entry
    where case when r.detail = 0 then l.lacks_own else l.lacks_parts end;
end;
$$;

comment on function bank.add_entries(int, bank.statement) is
'Writes the entries of a statement that are new, what the statement has at each place, and payments and references that no other told of. For take_import alone.';
