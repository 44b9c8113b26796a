create or replace function bank.undo_match(p_match bigint, p_reason text)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_reason', p_reason);
    perform billig.need_read_committed();
    if coalesce(trim(p_reason), '') = '' then
        raise exception 'undoing a match needs a reason' using
            errcode = '22023',
            detail = format('Match %s.', p_match),
            hint = 'Say in p_reason why: it is kept with it.';
    end if;
    perform bank.lock_match(p_match);
    insert into bank.match_undo (match, reason) values (p_match, trim(p_reason));
    -- What they have taken since is in other matches: those go on from here.
    perform from bank.entry as e
    where e.entry in (select c.entry from bank.match_entry as c where c.match = p_match)
    order by e.entry
    for update;
    perform from bank.expected as x
    where x.expected in (select c.expected from bank.match_expected as c where c.match = p_match)
    order by x.expected
    for update;
    insert into bank.match_entry (entry, claim, match, is_release, amount, taken, whole)
    select c.entry, l.claim + 1, c.match, true, -c.amount, l.taken - c.amount, c.whole
    from bank.match_entry as c
    cross join lateral (
        select n.claim, n.taken from bank.match_entry as n where n.entry = c.entry order by n.claim desc limit 1
    ) as l
    where c.match = p_match and not c.is_release;
    insert into bank.match_expected (expected, claim, match, is_release, amount, taken, whole)
    select c.expected, l.claim + 1, c.match, true, -c.amount, l.taken - c.amount, c.whole
    from bank.match_expected as c
    cross join lateral (
        select n.claim, n.taken from bank.match_expected as n where n.expected = c.expected order by n.claim desc limit 1
    ) as l
    where c.match = p_match and not c.is_release;
    return p_match;
end;
$$;

comment on function bank.undo_match(bigint, text) is
'Undoes a match, suggested or approved: what it has of entries and items is open again, and the rules do not match the same pair again. Returns it. 22023 no reason; 23B85 undone already; 25000 not at read committed; P0002.';
