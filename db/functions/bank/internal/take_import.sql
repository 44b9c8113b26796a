create or replace function bank.take_import(p_import_file bigint)
returns table (statements bigint, known_statements bigint, entries bigint)
language plpgsql
-- The file_ tables are the temporary ones: begin_import made them, load_import looked.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
declare
    v_file file_statement;
    v_account int;
    v_from date;
    v_to date;
    v_entries bigint;
    v_sum numeric;
    v_content bytea;
    v_statement bigint;
    v_known bytea;
begin
    statements := 0;
    known_statements := 0;
    -- One load at a time an account: which of two equal entries is which is counted.
    perform from bank.account as a
    where exists (select from file_statement as s where bank.account_number(s.account_number) = a.account_number)
    order by a.account
    for update;

    update file_entry as f
    set entry_key = sha256(convert_to(jsonb_build_array(
        f.booked_on, trim_scale(f.amount), f.is_reversal and f.bank_reference = '', f.bank_reference,
        case when f.bank_reference = '' then jsonb_build_array(f.value_on, f.code, f.end_to_end, f.kid, f.entry_text) end
    )::text, 'UTF8'));
    create index on file_entry (statement, entry_key);
    analyze file_entry;
    select count(*) into entries from file_entry;

    for v_file in select * from file_statement as s order by s.statement loop
        statements := statements + 1;
        select a.account into v_account
        from bank.account as a
        where a.account_number = bank.account_number(v_file.account_number);
        select
            count(*), coalesce(sum(f.amount), 0),
            coalesce(v_file.from_day, v_file.to_day, min(f.booked_on), current_date),
            coalesce(v_file.to_day, greatest(v_file.from_day, max(f.booked_on)), current_date),
            sha256(coalesce(string_agg(f.entry_key, ''::bytea order by f.entry_key), ''::bytea))
        into v_entries, v_sum, v_from, v_to, v_content
        from file_entry as f
        where f.statement = v_file.statement;

        select s.content_key into v_known
        from bank.statement as s
        where
            (s.account, s.kind, s.statement_id, s.from_day, s.to_day)
            = (v_account, v_file.kind, v_file.statement_id, v_from, v_to)
            and s.sequence_number is not distinct from v_file.sequence_number;
        if found then
            if v_known <> v_content then
                raise exception 'statement % was loaded before, with other entries', v_file.statement_id using
                    errcode = '23B86',
                    detail = format('Line %s: %s entries, together %s.', v_file.line, v_entries, v_sum),
                    hint = 'Ask the bank which of the two is true.';
            end if;
            known_statements := known_statements + 1;
            continue;
        end if;

        insert into bank.statement as s (
            import_file, account, kind, statement_id, sequence_number, from_day, to_day, opening_balance, closing_balance,
            entries, entry_sum, content_key
        )
        values (
            p_import_file, v_account, v_file.kind, v_file.statement_id, v_file.sequence_number, v_from, v_to,
            v_file.opening_balance, v_file.closing_balance, v_entries, v_sum, v_content
        )
        returning s.statement into v_statement;
        perform bank.number_entries(v_file.statement, v_statement);

        insert into bank.entry (
            account, entry_key, occurrence, import_file, line, booked_on, value_on, amount, is_reversal, bank_reference,
            end_to_end, kid, code, entry_text
        )
        select
            v_account, f.entry_key, f.occurrence, p_import_file, f.line, f.booked_on, f.value_on, f.amount, f.is_reversal,
            f.bank_reference, f.end_to_end, f.kid, f.code, f.entry_text
        from file_entry as f
        where f.statement = v_file.statement
        order by f.entry
        on conflict on constraint entry_once_key do nothing;
        insert into bank.statement_entry (statement, entry)
        select v_statement, b.entry
        from file_entry as f
        inner join bank.entry as b
            on b.account = v_account and f.entry_key = b.entry_key and f.occurrence = b.occurrence
        where f.statement = v_file.statement;
        -- A statement may have the total alone where a notification has the parts: who has them first gives them.
        insert into bank.entry_detail (entry, detail, amount, bank_reference, end_to_end, kid, detail_text)
        select b.entry, d.detail, d.amount, d.bank_reference, d.end_to_end, d.kid, d.detail_text
        from file_entry as f
        inner join file_detail as d on f.entry = d.entry
        inner join bank.entry as b
            on b.account = v_account and f.entry_key = b.entry_key and f.occurrence = b.occurrence
        where
            f.statement = v_file.statement
            and not exists (select from bank.entry_detail as o where o.entry = b.entry);
    end loop;
    return next;
end;
$$;

comment on function bank.take_import(bigint) is
'Statements and entries of the temporary tables of begin_import, those that are new: called by load_import. Entries that are equal in day, amount and the bank''s reference (without one: in all that is said) are one, unless they stand twice in one statement, in two of its pages, or in numbered statements side by side. 23B86: a statement that was loaded before, with other entries.';
