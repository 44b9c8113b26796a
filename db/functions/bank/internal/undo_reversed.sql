create or replace function bank.undo_reversed()
returns void
language plpgsql
set search_path = pg_catalog, bank, pg_temp
as $$
declare
    r record;
begin
    for r in
        select m.match, m.entry, m.reversal
        from bank.reversed_match as m
        where
            m.is_undone_by_rule
            and exists (select from bank.match_rule as l where l.rule = 'REVERSAL' and l.enabled and l.is_automatic)
        order by m.match
    loop
        perform bank.undo_match(
            r.match, format('Entry %s takes entry %s back, which bears the same reference', r.reversal, r.entry)
        );
    end loop;
end;
$$;

comment on function bank.undo_reversed() is
'Undoes the matches that rules made of a deposit which the bank has taken back since, by reference (bank.reversed_match): rule REVERSAL then pairs the two. For match_open alone.';
