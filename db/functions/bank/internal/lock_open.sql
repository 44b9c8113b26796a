create or replace function bank.lock_open(p_entries bigint[], p_expected bigint[])
returns void
language plpgsql
set search_path = pg_catalog, bank, pg_temp
set plan_cache_mode = force_custom_plan
set enable_nestloop = on
as $$
declare
    v_missing text;
    v_taken text;
begin
    -- In key order, entries first: two that take the same wait for each other, and do not deadlock.
    perform from bank.entry as e where e.entry = any (p_entries) order by e.entry for update;
    perform from bank.expected as x where x.expected = any (p_expected) order by x.expected for update;
    select string_agg(m.name, ', ') into v_missing
    from (
        select format('entry %s', n) as name
        from unnest(p_entries) as n
        where not exists (select from bank.entry as e where e.entry = n)
        union all
        select format('item %s', n)
        from unnest(p_expected) as n
        where not exists (select from bank.expected as x where x.expected = n)
        limit 10
    ) as m;
    if v_missing is not null then
        raise exception 'there is no %', v_missing using
            errcode = 'P0002',
            detail = 'An entry is what a bank booked, an item what we expected.',
            hint = 'See bank.open_entry and bank.open_expected.';
    end if;
    select string_agg(t.name, ', ') into v_taken
    from (
        select format('entry %s by match %s', c.entry, c.match) as name
        from bank.entry_claim as c
        where c.entry = any (p_entries)
        union all
        select format('item %s by match %s', c.expected, c.match)
        from bank.expected_claim as c
        where c.expected = any (p_expected)
        limit 10
    ) as t;
    if v_taken is not null then
        raise exception 'an entry or item is matched already' using
            errcode = '23B82',
            detail = format('Taken: %s.', v_taken),
            hint = 'Undo that match first, with undo_match.';
    end if;
end;
$$;

comment on function bank.lock_open(bigint[], bigint[]) is
'Locks entries and items, in key order, and refuses those that a match has (23B82) or that there are none of (P0002).';
