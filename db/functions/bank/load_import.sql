create or replace function bank.load_import(p_file_name text, p_content_sha256 bytea, p_format text)
returns table (import_file bigint, statements bigint, known_statements bigint, entries bigint, new_entries bigint)
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
as $$
declare
    v_import_file bigint;
begin
    v_import_file := bank.add_import_file(
        array['file_statement', 'file_entry', 'file_detail'], p_file_name, p_content_sha256, p_format
    );
    perform bank.check_import();
    import_file := v_import_file;
    select t.statements, t.known_statements, t.entries into statements, known_statements, entries
    from bank.take_import(v_import_file) as t;
    select count(*) into new_entries from bank.entry as e where e.import_file = v_import_file;
    perform bank.analyze_grown('bank.entry', new_entries);
    return next;
end;
$$;

comment on function bank.load_import(text, bytea, text) is
'Loads what is in the temporary tables of begin_import, all or nothing: statements that were not there, and their entries, each once. statements, entries: in the file; known_statements: loaded before; new_entries: not told of by any other file. 22023; 23B80 a statement that does not add up or is in another currency, DETAIL says the line; 23B81 an account that is not ours; 23B86 a statement that was loaded before, with other entries.';
