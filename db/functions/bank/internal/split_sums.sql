create or replace function bank.split_sums(p_file_statement int, p_new bank.statement, p_others bigint[])
returns jsonb
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
-- How many amounts are equal is in no statistics.
set enable_nestloop = off
set jit = off
as $$
declare
    v_said jsonb;
begin
    if p_new.kind = 'NOTIFICATION' then
        return null;
    end if;
    with gone as (
        delete from file_entry as f
        using bank.notified_sums(p_file_statement, p_new, p_others) as s
        where f.entry = s.whole
        returning f.*, s.entries
    ),

    several as (
        insert into file_entry (
            entry, statement, line, booked_on, value_on, amount, currency, is_reversal, bank_reference, end_to_end, kid,
            code, entry_text, charge, is_booked, place, entry_key, known
        )
        select
            -- apart from those of the file
            -e.entry, g.statement, g.line, g.booked_on, g.value_on, e.amount, g.currency, g.is_reversal, e.bank_reference, e.end_to_end, e.kid,
            g.code, e.entry_text, 0, true, g.place, g.entry_key, e.entry
        from gone as g
        cross join unnest(g.entries) as x (entry)
        inner join bank.entry as e on x.entry = e.entry
    )

    select
        jsonb_agg(
            jsonb_build_object(
                'line', g.line, 'amount', g.amount, 'bank_reference', g.bank_reference, 'end_to_end', g.end_to_end, 'kid', g.kid,
                'code', g.code, 'text', g.entry_text, 'more', g.more
            )
            order by g.place
        )
    into v_said
    from gone as g;
    if v_said is not null then
        perform bank.place_anew(p_file_statement, p_new.opening_balance, p_new.gap_reason is null);
    end if;
    return v_said;
end;
$$;

comment on function bank.split_sums(int, bank.statement, bigint[]) is
'Of a statement that books as one sum what a notification has told of singly: has in its place those entries, which are known (bank.notified_sums). Returns what it said of the sums, which are no entries; null: none. p_others: those of its name. For take_import alone.';
