create or replace function bank.take_import(p_import_file bigint)
returns table (statements bigint, known_statements bigint, entries bigint, amount numeric)
language plpgsql
-- The file_ tables are the temporary ones: begin_import made them, load_import looked.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
declare
    v_file record;
    v_new bank.statement;
    v_others bigint[];
    v_is_known boolean;
    v_said jsonb;
begin
    statements := 0;
    known_statements := 0;
    -- One load at a time per account: which of two equal entries is which depends on what is there.
    perform from bank.account as a
    where exists (select from file_statement as s where bank.account_number(s.account_number) = a.account_number)
    order by a.account
    for update;
    perform bank.number_entries();
    perform bank.settle_details();
    select count(*), coalesce(sum(f.amount), 0) into entries, amount from file_entry as f;

    for v_file in
        select s.statement, s.statement_id, s.line from file_statement as s order by s.statement
    loop
        statements := statements + 1;
        v_new := bank.statement_of(v_file.statement, p_import_file);
        -- Those of its name and place. A statement has one place in its chain; what has none is known by what is in it.
        select
            array_agg(s.statement order by s.statement) filter (where s.content_key <> v_new.content_key),
            bool_or(s.content_key = v_new.content_key)
        into v_others, v_is_known
        from bank.statement as s
        where
            (s.account, s.kind, s.statement_id, s.from_day, s.to_day)
            = (v_new.account, v_new.kind, v_new.statement_id, v_new.from_day, v_new.to_day)
            and (s.sequence_number, s.page) is not distinct from (v_new.sequence_number, v_new.page)
            and (s.gap_reason is null) = (v_new.gap_reason is null)
            and case
                when s.kind = 'STATEMENT' and s.gap_reason is null
                    then s.opening_balance is not distinct from v_new.opening_balance
                else (s.issued, s.content_key) = (v_new.issued, v_new.content_key)
            end;
        if v_is_known then
            known_statements := known_statements + 1;
            continue;
        end if;

        -- As one sum by one, singly by another: as the ledger has it.
        perform bank.merge_parts(v_file.statement, v_new);
        v_said := bank.split_sums(v_file.statement, v_new, v_others);
        if v_said is not null then
            v_new.more := coalesce(v_new.more, '{}') || jsonb_build_object('sums', v_said);
        end if;
        select count(*) into v_new.entries from file_entry as f where f.statement = v_file.statement;
        insert into bank.statement as s (
            import_file, account, kind, statement_id, sequence_number, page, issued, from_day, to_day, opening_balance,
            closing_balance, entries, entry_sum, content_key, more, gap_amount, gap_reason
        )
        values (
            p_import_file, v_new.account, v_new.kind, v_new.statement_id, v_new.sequence_number, v_new.page, v_new.issued,
            v_new.from_day, v_new.to_day, v_new.opening_balance, v_new.closing_balance, v_new.entries, v_new.entry_sum,
            v_new.content_key, v_new.more, v_new.gap_amount, v_new.gap_reason
        )
        returning s.statement into v_new.statement;
        if v_new.entries > 0 then
            perform bank.recognise_entries(v_file.statement, v_new.statement);
        end if;
        -- Of two with one name, one goes on where the other ended, or says the same in other words.
        perform bank.check_told_again(v_file.statement, v_new, v_others);
        if v_new.entries > 0 then
            perform bank.add_entries(v_file.statement, v_new);
        end if;
    end loop;
    perform bank.analyze_grown('bank.entry', entries);
    perform bank.analyze_grown('bank.entry_detail', (select count(*) from file_detail));
    return next;
end;
$$;

comment on function bank.take_import(bigint) is
'Statements and entries of the temporary tables of begin_import, those that are new: called by load_import. Returns how many statements and entries the file has, and how many statements were loaded before. 23B86: see check_told_again.';
