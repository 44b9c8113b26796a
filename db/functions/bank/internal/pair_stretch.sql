create or replace function bank.pair_stretch(
    p_file_statement int, p_other bigint, p_here int, p_there int, p_length bigint, p_is_exact boolean,
    p_is_same_format boolean, p_is_numbered boolean
)
returns boolean
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
begin
    -- One by one, where they stand in the same order; else the amounts are the same, or it is no stretch of theirs: of
    -- equal ones, by day, then by what is said, then in turn.
    with here as (
        select
            f.entry, f.amount, f.known, f.booked_on, f.bank_reference, f.end_to_end, f.kid, f.entry_key,
            case
                when p_is_exact then f.place - p_here
                else row_number() over (
                    partition by f.amount order by f.booked_on, f.bank_reference, f.end_to_end, f.place
                )
            end as turn
        from file_entry as f
        where f.statement = p_file_statement and f.place between p_here + 1 and p_here + p_length
    ),

    there as (
        select
            e.entry, e.amount, l.booked_on, e.bank_reference, e.end_to_end, e.kid, l.entry_key,
            e.statement = p_other as is_own,
            case
                when p_is_exact then l.place - p_there
                else row_number() over (
                    partition by e.amount order by l.booked_on, e.bank_reference, e.end_to_end, l.place
                )
            end as turn
        from bank.statement_entry as l
        inner join bank.entry as e on l.entry = e.entry
        where l.statement = p_other and l.place between p_there + 1 and p_there + p_length
    ),

    pair as materialized (
        select
            h.entry, h.known, t.entry as known_as, h.booked_on = t.booked_on as is_same_day,
            h.entry_key = t.entry_key as is_same,
            -- the same bank, in the same format, gives the same references of the same entry
            t.is_own
            and (h.bank_reference, h.end_to_end, h.kid) <> (t.bank_reference, t.end_to_end, t.kid) as is_changed,
            p_is_same_format and bank.is_reference(h.bank_reference) and bank.is_reference(t.bank_reference)
            and h.bank_reference <> t.bank_reference
            or h.end_to_end <> '' and t.end_to_end <> '' and h.end_to_end <> t.end_to_end
            or h.kid <> '' and t.kid <> '' and h.kid <> t.kid as is_another,
            bank.is_reference(h.bank_reference) and h.bank_reference = t.bank_reference
            or h.end_to_end <> '' and h.end_to_end = t.end_to_end
            or h.kid <> '' and h.kid = t.kid as is_named
        from here as h
        inner join there as t on h.amount = t.amount and h.turn = t.turn
    ),

    judged as materialized (
        -- what was recognised before as another, or is known as another's, is not this
        select
            (select count(*) from pair) = p_length
            and not exists (select from pair as p where p.known <> p.known_as)
            and not exists (
                select from pair as p
                inner join file_entry as o on o.statement = p_file_statement and p.known_as = o.known
                where o.entry <> p.entry
            )
            -- Balances come back, and alone they say nothing: numbered statements of one format say the same of the same
            -- entry. Of others days and references may differ, but not all days and the references, too.
            and case
                when p_is_numbered then
                    not exists (
                        select from pair as p
                        where not p.is_same and (not p.is_same_day or p.is_changed or p.is_another)
                    )
                else
                    exists (select from pair as p where p.is_same_day or p.is_named)
                    or not exists (select from pair as p where p.is_another)
            end as is_theirs
    )

    update file_entry as f
    set known = p.known_as
    from pair as p
    cross join judged as j
    where f.entry = p.entry and j.is_theirs;
    return found;
end;
$$;

comment on function bank.pair_stretch(int, bigint, int, int, bigint, boolean, boolean, boolean) is
'Recognises a stretch of a statement''s entries as a stretch of another''s, if their amounts are the same and neither what was recognised before nor their days and references say otherwise; false: it is not. p_is_same_format: a bank calls an entry the same in both; p_is_numbered: they have numbers, and not the same. For align_entries alone.';
