create or replace function bank.ignore(p_entry bigint, p_expected bigint, p_reason text)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_amount constant numeric := coalesce(
        (select e.amount from bank.open_entry as e where e.entry = p_entry),
        -(select x.amount from bank.open_expected as x where x.expected = p_expected)
    );
begin
    perform books.check_text('p_reason', p_reason);
    if num_nonnulls(p_entry, p_expected) <> 1 then
        raise exception 'set aside either an entry or an item, one at a time' using
            errcode = '22023',
            detail = format('Entry %s, item %s.', p_entry, p_expected),
            hint = 'Leave the other one null.';
    end if;
    return bank.make_match(
        array_remove(array[p_entry], null), array_remove(array[p_expected], null), p_reason,
        case when v_amount <> 0 then array[case when p_entry is null then 'WRITE_OFF' else 'NOT_OURS' end] end,
        case when v_amount <> 0 then array[v_amount] end
    );
end;
$$;

comment on function bank.ignore(bigint, bigint, text) is
'Sets aside an entry that is for no goods (NOT_OURS), or an item that will never come (WRITE_OFF), all of it that is open, by a match of its own: undo_match takes it back. The other argument is null. Returns the match. 22023; 23B82 matched already; 23B83 an account not in NOK; 25000 not at read committed; P0002. May be null: p_entry, p_expected.';
