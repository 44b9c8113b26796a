create or replace function bank.lock_match(p_match bigint)
returns void
language plpgsql
set search_path = pg_catalog, bank, pg_temp
as $$
begin
    perform from bank.match as m where m.match = p_match for update;
    if not found then
        raise exception 'there is no match %', p_match using
            errcode = 'P0002',
            detail = 'A match is named by its number.',
            hint = 'See report.bank_match.';
    end if;
    if exists (select from bank.match_undo as u where u.match = p_match) then
        raise exception 'match % is undone', p_match using
            errcode = '23B85',
            detail = (select format('By %s: %s', u.undone_by, u.reason) from bank.match_undo as u where u.match = p_match),
            hint = 'Match its entries and items again.';
    end if;
end;
$$;

comment on function bank.lock_match(bigint) is
'Locks a match that is not undone. 23B85 it is; P0002 there is none.';
