create or replace function bank.make_match(
    p_entries bigint[], p_expected bigint[], p_reason text, p_kinds text[] default null, p_amounts numeric[] default null,
    p_entry_amounts numeric[] default null, p_expected_amounts numeric[] default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_entries bigint[];
    v_expected bigint[];
    v_kinds text[];
    v_amounts numeric[];
    v_entry_amounts numeric[];
    v_expected_amounts numeric[];
    v_matches bigint[];
begin
    perform books.check_text('p_reason', p_reason);
    v_entries := coalesce(books.list('p_entries', p_entries), '{}');
    v_expected := coalesce(books.list('p_expected', p_expected), '{}');
    v_kinds := coalesce(books.list('p_kinds', p_kinds), '{}');
    v_amounts := coalesce(books.list('p_amounts', p_amounts), '{}');
    v_entry_amounts := coalesce(books.list('p_entry_amounts', p_entry_amounts, true), '{}');
    v_expected_amounts := coalesce(books.list('p_expected_amounts', p_expected_amounts, true), '{}');
    perform billig.need_read_committed();
    if
        cardinality(v_entries) + cardinality(v_expected) = 0 or coalesce(trim(p_reason), '') = ''
        or cardinality(v_kinds) <> cardinality(v_amounts)
        or cardinality(v_entry_amounts) not in (0, cardinality(v_entries))
        or cardinality(v_expected_amounts) not in (0, cardinality(v_expected))
        or exists (
            select from unnest(v_entry_amounts || v_expected_amounts) as a
            where a = 0 or a <> round(a, 2) or abs(a) >= 1e12
        )
        or exists (
            select from unnest(v_entries, v_entry_amounts) as u (entry, amount)
            inner join bank.entry as e on u.entry = e.entry
            where sign(u.amount) <> sign(e.amount)
        )
        or exists (
            select from unnest(v_expected, v_expected_amounts) as u (expected, amount)
            inner join bank.expected as x on u.expected = x.expected
            where sign(u.amount) <> sign(x.amount)
        )
        or exists (select from unnest(v_entries || v_expected) as n where n is null)
        or (select count(*) <> count(distinct n) from unnest(v_entries) as n)
        or (select count(*) <> count(distinct n) from unnest(v_expected) as n)
        or (select count(*) <> count(distinct k) from unnest(v_kinds) as k)
        or exists (
            select from unnest(v_kinds, v_amounts) as l (kind, amount)
            where
                l.kind is null or l.kind not in ('FEE', 'ROUNDING', 'WRITE_OFF', 'NOT_OURS')
                or l.amount is null or l.amount = 0 or l.amount <> round(l.amount, 2) or abs(l.amount) >= 1e12
        )
    then
        raise exception 'what is to be matched is not clear' using
            errcode = '22023',
            detail = format(
                'Entries %s of %s, items %s of %s, lines %s of %s, reason %L.',
                v_entries, v_entry_amounts, v_expected, v_expected_amounts, v_kinds, v_amounts, p_reason
            ),
            hint = 'Name each entry and item once, say why, and explain what differs: FEE, ROUNDING, WRITE_OFF or NOT_OURS, in NOK. Of a part say how much, for each entry or item, signed as it; null: all that is left.';
    end if;
    -- The rules lock what they match rule by rule, in no order that a person could keep to: one waits for the other.
    perform from bank.turn as t where t.turn = 'MATCH' for share;
    perform bank.lock_open(v_entries, v_expected, v_entry_amounts, v_expected_amounts);
    v_matches := bank.record_matches(
        array['PERSON'], array[trim(p_reason)],
        array(select 1 from unnest(v_entries)), v_entries,
        array(select 1 from unnest(v_expected)), v_expected,
        array(select 1 from unnest(v_kinds)), v_kinds, v_amounts,
        v_entry_amounts, v_expected_amounts
    );
    return v_matches[1];
end;
$$;

comment on function bank.make_match(bigint[], bigint[], text, text[], numeric[], numeric[], numeric[]) is
'Matches entries with items, by a person: entries = items + lines. p_kinds and p_amounts: what differs, NOK by which the entries are more (positive) or less (negative), of kind FEE, ROUNDING, WRITE_OFF or NOT_OURS. p_entry_amounts and p_expected_amounts: of a part, how much of each, NOK, signed as it, null: all that is left; the rest stays open. Entries alone, NOT_OURS: money for no goods; items alone, WRITE_OFF: money that never came. Returns the match. 22023; 23B82 more than is open; 23B83 it does not balance; 25000 not at read committed; P0002.';
