create or replace function bank.approve_match(p_match bigint, p_reason text default null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_reason', p_reason);
    perform billig.need_read_committed();
    perform bank.lock_match(p_match);
    if exists (select from bank.match_approval as a where a.match = p_match) then
        raise exception 'match % is approved already', p_match using
            errcode = '23B85',
            detail = (select format('By %s.', a.approved_by) from bank.match_approval as a where a.match = p_match),
            hint = 'undo_match undoes it.';
    end if;
    if
        coalesce(trim(p_reason), '') = ''
        and exists (select from bank.match_line as l where l.match = p_match and l.kind = 'DIFFERENCE')
    then
        raise exception 'a difference needs a reason' using
            errcode = '22023',
            detail = (
                select format('NOK %s.', l.amount) from bank.match_line as l
                where l.match = p_match and l.kind = 'DIFFERENCE'
            ),
            hint = 'Say in p_reason what is known of it.';
    end if;
    insert into bank.match_approval (match, reason) values (p_match, nullif(trim(p_reason), ''));
    return p_match;
end;
$$;

comment on function bank.approve_match(bigint, text) is
'Approves a suggested match; p_reason is needed where there is a difference. Returns it. 22023; 23B85 approved or undone already; 25000 not at read committed; P0002.';
