create or replace function bank.undo_match(p_match bigint, p_reason text)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
as $$
begin
    perform billig.need_read_committed();
    if coalesce(trim(p_reason), '') = '' then
        raise exception 'undoing a match needs a reason' using
            errcode = '22023',
            detail = format('Match %s.', p_match),
            hint = 'Say in p_reason why: it is kept with it.';
    end if;
    perform bank.lock_match(p_match);
    insert into bank.match_undo (match, reason) values (p_match, trim(p_reason));
    insert into bank.released_entry (entry, claim, match)
    select c.entry, c.claim, c.match from bank.match_entry as c where c.match = p_match;
    insert into bank.released_expected (expected, claim, match)
    select c.expected, c.claim, c.match from bank.match_expected as c where c.match = p_match;
    return p_match;
end;
$$;

comment on function bank.undo_match(bigint, text) is
'Undoes a match, suggested or approved: its entries and items are open again, and the rules do not match the same pair again. Returns it. 22023 no reason; 23B85 undone already; 25000 not at read committed; P0002.';
