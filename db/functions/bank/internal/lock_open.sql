create or replace function bank.lock_open(
    p_entries bigint[], p_expected bigint[],
    p_entry_amounts numeric[] default null, p_expected_amounts numeric[] default null
)
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
        select
            case
                when c.taken = c.whole then format('entry %s by match %s', u.entry, c.match)
                else format('entry %s, of which NOK %s of %s are left', u.entry, e.amount - coalesce(c.taken, 0), e.amount)
            end as name
        from unnest(p_entries, p_entry_amounts) as u (entry, amount)
        inner join bank.entry as e on u.entry = e.entry
        left join lateral (
            select n.taken, n.whole, n.match, n.is_release
            from bank.match_entry as n where n.entry = u.entry order by n.claim desc limit 1
        ) as c on true
        where
            not c.is_release and c.taken = c.whole
            or u.amount is not null and u.amount * sign(e.amount) > (e.amount - coalesce(c.taken, 0)) * sign(e.amount)
        union all
        select
            case
                when c.taken = c.whole then format('item %s by match %s', u.expected, c.match)
                else format('item %s, of which NOK %s of %s are left', u.expected, x.amount - coalesce(c.taken, 0), x.amount)
            end
        from unnest(p_expected, p_expected_amounts) as u (expected, amount)
        inner join bank.expected as x on u.expected = x.expected
        left join lateral (
            select n.taken, n.whole, n.match, n.is_release
            from bank.match_expected as n where n.expected = u.expected order by n.claim desc limit 1
        ) as c on true
        where
            not c.is_release and c.taken = c.whole
            or u.amount is not null and u.amount * sign(x.amount) > (x.amount - coalesce(c.taken, 0)) * sign(x.amount)
        limit 10
    ) as t;
    if v_taken is not null then
        raise exception 'an entry or item is matched already' using
            errcode = '23B82',
            detail = format('Taken: %s.', v_taken),
            hint = 'Undo that match first, with undo_match, or match what is left.';
    end if;
end;
$$;

comment on function bank.lock_open(bigint[], bigint[], numeric[], numeric[]) is
'Locks entries and items, in key order, and refuses those of which less than the amount (NOK; null: anything) is in no match (23B82) or that there are none of (P0002).';
