create or replace function bank.pair_stretch(
    p_file_statement int, p_other bigint, p_here int, p_there int, p_length bigint, p_is_exact boolean
)
returns void
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
            f.entry, f.amount, f.known,
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
            e.entry, e.amount,
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

    pair as (
        select
            h.entry, h.known, t.entry as known_as,
            count(*) over () as pairs
        from here as h
        inner join there as t on h.amount = t.amount and h.turn = t.turn
    )

    update file_entry as f
    set known = p.known_as
    from pair as p
    where
        f.entry = p.entry and p.pairs = p_length and p.known is null
        -- what another statement told of already is not told of twice by this one
        and not exists (
            select from file_entry as o
            where o.statement = p_file_statement and o.known = p.known_as
        );
end;
$$;

comment on function bank.pair_stretch(int, bigint, int, int, bigint, boolean) is
'Recognises a stretch of a statement''s entries as a stretch of another''s, if their amounts are the same. For align_entries alone.';
