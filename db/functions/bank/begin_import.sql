create or replace function bank.begin_import(p_content_sha256 bytea)
returns table (import_file bigint, file_name text, imported_at timestamptz)
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_table text;
begin
    if p_content_sha256 is null or length(p_content_sha256) <> 32 then
        raise exception 'a file needs the SHA-256 of its content' using
            errcode = '22023',
            detail = format('%s bytes.', length(p_content_sha256)),
            hint = '32 bytes.';
    end if;
    -- Two loads of one content: the second waits here for the first, before it copies anything.
    perform from bank.turn as t where t.turn = 'FILE ' || encode(substring(p_content_sha256 for 1), 'hex') for update;
    return query
    select f.import_file, f.file_name::text, f.imported_at
    from bank.import_file as f
    where f.import_file = bank.file_of(p_content_sha256);
    if found then
        return;
    end if;
    -- Made here, so that they are the owner's: the functions that load would run whatever a view of the caller's did.
    foreach v_table in array array[
        'file_statement', 'file_entry', 'file_detail', 'file_reference', 'file_payout', 'file_payout_line'
    ] loop
        execute format('create temporary table %I (like bank.%I) on commit drop', v_table, v_table);
        execute format('grant select, insert on pg_temp.%I to %I', v_table, session_user);
    end loop;
    create temporary table file_candidate (like bank.file_candidate) on commit drop;
end;
$$;

comment on function bank.begin_import(bytea) is
'Begins to load a file of the bank: makes the temporary tables file_statement, file_entry, file_detail and file_reference, file_payout and file_payout_line, empty, for the caller to COPY into and then call load_import (a statement) or load_payout (a report of payouts), in the same transaction. Returns a row, and makes no tables, where that content was loaded before, and no payout of it was withdrawn since; waits for a load of the same content. 22023.';
