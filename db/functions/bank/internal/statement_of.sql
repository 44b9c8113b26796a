create or replace function bank.statement_of(p_file_statement int, p_import_file bigint)
returns bank.statement
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
declare
    v_file record;
    v_new bank.statement;
begin
    select s.* into v_file from file_statement as s where s.statement = p_file_statement;
    v_new.import_file := p_import_file;
    select a.account into v_new.account
    from bank.account as a
    where a.account_number = bank.account_number(v_file.account_number);
    v_new.kind := v_file.kind;
    v_new.statement_id := v_file.statement_id;
    v_new.sequence_number := v_file.sequence_number;
    v_new.page := v_file.page;
    v_new.issued := v_file.issued;
    v_new.opening_balance := v_file.opening_balance;
    v_new.closing_balance := v_file.closing_balance;
    v_new.more := v_file.more;
    v_new.gap_amount := coalesce(v_file.gap_amount, 0);
    v_new.gap_reason := v_file.gap_reason;
    select
        count(*), coalesce(sum(f.amount), 0),
        coalesce(v_file.from_day, v_file.to_day, min(f.booked_on), current_date),
        coalesce(v_file.to_day, greatest(v_file.from_day, max(f.booked_on)), current_date),
        sha256(coalesce(string_agg(f.entry_key, ''::bytea order by f.entry_key), ''::bytea))
    into v_new.entries, v_new.entry_sum, v_new.from_day, v_new.to_day, v_new.content_key
    from file_entry as f
    where f.statement = p_file_statement;
    return v_new;
end;
$$;

comment on function bank.statement_of(int, bigint) is
'The row of bank.statement that a statement of the temporary table file_statement would be: what it says of itself, and what its entries come to. For take_import alone.';
