create or replace function bank.load_import(
    p_file_name text, p_content_sha256 bytea, p_format text, p_ours_only boolean default false,
    p_gap_reason text default null
)
returns table (
    import_file bigint,
    statements bigint,
    known_statements bigint,
    entries bigint,
    amount numeric,
    new_entries bigint,
    new_amount numeric,
    known_entries bigint,
    known_amount numeric,
    left_out_entries bigint
)
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_file_name', p_file_name, 'p_format', p_format, 'p_gap_reason', p_gap_reason);
    import_file := bank.add_import_file(
        array['file_statement', 'file_entry', 'file_detail', 'file_reference', 'file_candidate'],
        p_file_name, p_content_sha256, p_format
    );
    perform bank.leave_out(import_file, coalesce(p_ours_only, false));
    perform bank.check_numbers('23B80');
    perform bank.accept_gaps(p_gap_reason);
    perform bank.check_import();
    select t.statements, t.known_statements, t.entries, t.amount into statements, known_statements, entries, amount
    from bank.take_import(import_file) as t;
    select count(*), coalesce(sum(e.amount), 0) into new_entries, new_amount
    from bank.entry as e
    where e.import_file = load_import.import_file;
    known_entries := entries - new_entries;
    known_amount := amount - new_amount;
    select coalesce(sum(l.entries), 0) into left_out_entries
    from bank.import_left_out as l
    where l.import_file = load_import.import_file;
    return next;
end;
$$;

comment on function bank.load_import(text, bytea, text, boolean, text) is
'Loads what is in the temporary tables of begin_import, all or nothing: statements that were not there, and their entries, each once, by their place in the account''s chain. p_ours_only: statements of accounts that are not ours are left out, else refused. p_gap_reason: why statements that do not add up, or lack a balance, are loaded all the same, with what is in none of their entries (report.bank_accepted_gap); null: they are refused. statements, entries and their sum: in the file, booked and ours; known_: loaded before; new_: not told of by any other file; left_out_entries: see bank.import_left_out. Amounts in the accounts'' currencies. 22023; 23B80 a statement that does not add up or is in another currency, DETAIL says the line; 23B81 an account that is not ours; 23B86 a statement that was loaded before, with other entries.';
