create or replace function bank.number_entries(p_file_statement int, p_statement bigint)
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
declare
    v_statement bank.statement;
    v_page record;
begin
    select s.* into v_statement from bank.statement as s where s.statement = p_statement;
    select p.* into v_page from bank.statement_page(v_statement.statement_id, v_statement.sequence_number) as p;

    -- Without a reference of the bank's, equal entries of two statements are two where the statements stand side by
    -- side: pages of one, or numbered, one going on where the other ended, or neither within the other. They are one
    -- where a statement lies within another (the day's in the month's), or is of another kind (notification, export).
    update file_entry as f
    set occurrence = n.place + n.before
    from (
        select
            x.entry,
            row_number() over (partition by x.entry_key order by x.entry) as place,
            case when x.bank_reference = '' and v_statement.kind = 'STATEMENT' then (
                select count(distinct b.entry)
                from bank.entry as b
                inner join bank.statement_entry as l on b.entry = l.entry
                inner join bank.statement as s on l.statement = s.statement
                cross join bank.statement_page(s.statement_id, s.sequence_number) as p
                where
                    b.account = v_statement.account and b.entry_key = x.entry_key and s.statement <> p_statement
                    and s.kind = 'STATEMENT'
                    and (
                        p.whole = v_page.whole and p.page <> v_page.page
                        and p.number is not distinct from v_page.number
                        or p.number <> v_page.number
                        and (
                            (s.from_day, s.to_day) = (v_statement.from_day, v_statement.to_day)
                            or not (s.from_day <= v_statement.from_day and v_statement.to_day <= s.to_day)
                            and not (v_statement.from_day <= s.from_day and s.to_day <= v_statement.to_day)
                            or p.number = v_page.number - 1 and s.closing_balance = v_statement.opening_balance
                            or p.number = v_page.number + 1 and s.opening_balance = v_statement.closing_balance
                        )
                    )
            ) else 0 end as before
        from file_entry as x
        where x.statement = p_file_statement
    ) as n
    where f.entry = n.entry;
end;
$$;

comment on function bank.number_entries(int, bigint) is
'Says of each entry of a statement in the temporary table file_entry which of those that are equal it is, counting those of statements that were loaded before. For take_import alone.';
