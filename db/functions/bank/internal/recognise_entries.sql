create or replace function bank.recognise_entries(p_file_statement int, p_statement bigint)
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
declare
    v_new bank.statement;
    v_family text;
begin
    select s.* into v_new from bank.statement as s where s.statement = p_statement;
    select bank.format_family(i.format) into v_family
    from bank.import_file as i
    where i.import_file = v_new.import_file;
    -- Who has balances has a place in the chain: they say which entries are the same, and that all others are not.
    if v_new.has_place then
        perform bank.align_entries(p_file_statement, p_statement, v_family);
    end if;
    perform bank.gather_candidates(p_file_statement, p_statement, v_family);
    if not exists (select from file_candidate) then
        return;
    end if;

    -- What is told of by other means is recognised by what is said, the surest first; of equal ones each is taken once.
    -- Days differ by the time that a bank takes to book what it notified; references and words by format.
    perform bank.pair_entries(p_file_statement, 'the bank''s reference', 0);
    perform bank.pair_entries(p_file_statement, 'all that is said', 0);
    perform bank.pair_entries(p_file_statement, 'the bank''s reference', 10);
    perform bank.pair_entries(p_file_statement, 'the payer''s reference', 5);
    perform bank.pair_entries(p_file_statement, 'its words', 0);
    perform bank.pair_entries(p_file_statement, 'its text', 0);
    perform bank.pair_by_words(p_file_statement);
    perform bank.pair_entries(p_file_statement, 'the bank''s word', 0);
    perform bank.pair_entries(p_file_statement, 'nothing, of either', 0);
    perform bank.pair_entries(p_file_statement, 'nothing, of the new one', 0);
    perform bank.pair_entries(p_file_statement, 'nothing, of the old one', 0);
end;
$$;

comment on function bank.recognise_entries(int, bigint) is
'Says of each entry of a statement in the temporary table file_entry which entry it is, if it was told of before (known): by its place in the account''s chain; by what is said of it alone where there is no place. For take_import alone.';
