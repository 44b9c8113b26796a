create or replace function bank.gather_candidates(p_file_statement int, p_statement bigint, p_family text)
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
declare
    v_new bank.statement;
    v_first date;
    v_last date;
begin
    select s.* into v_new from bank.statement as s where s.statement = p_statement;
    select min(f.booked_on) - 10, max(f.booked_on) + 10 into v_first, v_last
    from file_entry as f
    where f.statement = p_file_statement and f.known is null;
    delete from file_candidate;

    -- Entries of these amounts once, by hash: asked amount by amount, a file that is told of twice would meet all of itself.
    with amount as materialized (
        select distinct f.amount from file_entry as f where f.statement = p_file_statement and f.known is null
    ),

    alike as materialized (
        select e.*
        from bank.entry as e
        inner join amount as a on e.amount = a.amount
        where
            e.account = v_new.account and e.booked_on between v_first and v_last
            and not exists (
                select from file_entry as k
                where k.statement = p_file_statement and k.known = e.entry
            )
    )

    insert into file_candidate (
        entry, booked_on, amount, bank_reference, end_to_end, kid, entry_text, days, entry_keys, is_notified, is_same_format
    )
    select
        e.entry, e.booked_on, e.amount, e.bank_reference, e.end_to_end, e.kid, e.entry_text, o.days, o.entry_keys, o.is_notified, o.is_same_format
    from alike as e
    cross join lateral (
        select
            array_agg(distinct l.booked_on) as days,
            array_agg(distinct l.entry_key) as entry_keys,
            bool_or(t.kind = 'NOTIFICATION' and v_new.kind = 'NOTIFICATION') as is_notified,
            -- what is only a part may say less than the whole
            bool_or(
                bank.format_family(i.format) = p_family
                and not (v_new.has_place and t.gap_reason is not null or t.has_place and v_new.gap_reason is not null)
            ) as is_same_format,
            -- Both have a place, or their names say so: they are apart, but for what was recognised by its place.
            bool_or(
                t.statement = p_statement
                or v_new.has_place and t.has_place
                or bank.format_family(i.format) = p_family and bank.is_apart(v_new, t)
            ) as is_apart
        from bank.statement_entry as l
        inner join bank.statement as t on l.statement = t.statement
        inner join bank.import_file as i on t.import_file = i.import_file
        where l.entry = e.entry
    ) as o
    where not coalesce(o.is_apart, false);
    analyze file_candidate;
end;
$$;

comment on function bank.gather_candidates(int, bigint, text) is
'Puts into the temporary table file_candidate what was told of before and may be an entry of this statement: same amount, about the same day, and in no statement that is apart from this one. For recognise_entries alone.';
