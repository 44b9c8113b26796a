create or replace function bank.pair_stretch(
    p_file_statement int, p_other bigint, p_here int, p_there int, p_length bigint
)
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
begin
    -- The amounts are the same, or it is no stretch of theirs. Of equal ones, by day, then by what is said, then in turn.
    with here as (
        select
            f.entry, f.amount, f.known,
            row_number() over (partition by f.amount order by f.booked_on, f.entry_key, f.place) as turn
        from file_entry as f
        where f.statement = p_file_statement and f.place between p_here + 1 and p_here + p_length
    ),

    there as (
        select
            e.entry, e.amount,
            row_number() over (partition by e.amount order by e.booked_on, l.entry_key, l.place) as turn
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

comment on function bank.pair_stretch(int, bigint, int, int, bigint) is
'Recognises a stretch of a statement''s entries as a stretch of another''s, if their amounts are the same. For align_entries alone.';
