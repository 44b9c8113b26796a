create or replace function bank.withdraw_payout(p_payout bigint, p_reason text)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_reason', p_reason);
    perform billig.need_read_committed();
    if coalesce(trim(p_reason), '') = '' then
        raise exception 'withdrawing a payout needs a reason' using
            errcode = '22023',
            detail = format('Payout %s.', p_payout),
            hint = 'Say in p_reason why: it is kept with it.';
    end if;
    perform from bank.payout as p where p.payout = p_payout for update;
    if not found then
        raise exception 'there is no payout %', p_payout using
            errcode = 'P0002',
            detail = 'A payout is named by its number.',
            hint = 'See report.payout.';
    end if;
    if exists (select from bank.payout_withdrawal as w where w.payout = p_payout) then
        raise exception 'payout % is withdrawn already', p_payout using
            errcode = '23B85',
            detail = (
                select format('By %s: %s', w.withdrawn_by, w.reason) from bank.payout_withdrawal as w where w.payout = p_payout
            ),
            hint = 'Load the report that is right.';
    end if;
    insert into bank.payout_withdrawal (payout, route, payout_id, reason)
    select p.payout, p.route, p.payout_id, trim(p_reason) from bank.payout as p where p.payout = p_payout;
    return p_payout;
end;
$$;

comment on function bank.withdraw_payout(bigint, text) is
'Withdraws a payout, such as one of a report that was not whole: it counts no more, and another of the same name may be loaded. Returns it. 22023 no reason; 23B82 it is matched; 23B85 withdrawn already; 25000 not at read committed; P0002.';
