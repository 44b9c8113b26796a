create or replace function bank.number_entries()
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
begin
    create index on file_detail (entry);
    create index on file_reference (entry);
    analyze file_entry, file_detail, file_reference;

    update file_entry as f
    set
        place = n.place,
        balance = n.balance,
        entry_key = sha256(convert_to(jsonb_build_array(
            f.booked_on, trim_scale(f.amount), f.bank_reference, f.value_on, f.code, f.end_to_end, f.kid, f.entry_text
        )::text, 'UTF8'))
    from (
        select
            x.entry,
            row_number() over w as place,
            -- what moved and is not in it moved somewhere between
            case when s.gap_reason is null then s.opening_balance + sum(x.amount) over w end as balance
        from file_entry as x
        inner join file_statement as s on x.statement = s.statement
        window w as (
            partition by x.statement
            order by case when s.is_descending then -x.entry else x.entry end
            rows unbounded preceding
        )
    ) as n
    where f.entry = n.entry;
    create index on file_entry (statement, place);
    analyze file_entry;
end;
$$;

comment on function bank.number_entries() is
'Says of each entry in the temporary table file_entry which place it has in its statement, what the balance is after it, and by what it is known (entry_key). For take_import alone.';
