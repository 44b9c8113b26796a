create or replace function marketplace.undo_settlement(p_settlement bigint, p_reason text, p_now timestamptz default null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_settlement marketplace.settlement;
    v_undone bigint;
begin
    perform books.check_text('p_reason', p_reason);
    p_now := jobs.server_time(p_now);
    if coalesce(p_reason, '') = '' then
        raise exception 'a reason is needed' using
            errcode = '22023',
            detail = format('Settlement %s.', p_settlement),
            hint = 'Say in p_reason why; it stays with the settlement.';
    end if;
    perform marketplace.lock_open_month(null, p_now);
    select s.* into v_settlement from marketplace.settlement as s where s.settlement = p_settlement;
    if not found or v_settlement.undoes is not null then
        raise exception 'no such settlement' using
            errcode = 'P0002',
            detail = format('Settlement %s%s.', p_settlement, coalesce(' undoes ' || v_settlement.undoes, '')),
            hint = 'They are in marketplace.settlement; one that undoes another is not undone: settle again.';
    end if;
    perform from marketplace.profile as p where p.profile = v_settlement.profile for no key update;
    select s.settlement into v_undone from marketplace.settlement as s where s.undoes = p_settlement;
    if found then
        return v_undone;
    end if;
    insert into marketplace.settlement (transaction, profile, kind, amount, undoes, reason, request_id, settled_at)
    values (
        v_settlement.transaction, v_settlement.profile, v_settlement.kind, -v_settlement.amount, p_settlement, p_reason,
        format('undo %s', p_settlement), p_now
    )
    returning settlement into v_undone;
    perform marketplace.net_accounts(array[v_settlement.profile], p_now);
    return v_undone;
end;
$$;

comment on function marketplace.undo_settlement(bigint, text, timestamptz) is
'Takes a settlement back: its transaction has so much left again, which is set off, charged or paid by the next run; the number of the row that undoes it, the same one when it is asked again. 22023; P0002 no such settlement; 23B92 a gateway is at the transaction, or has charged the rest; 23B93 clicks were corrected since, or what was left went on to a later month.';
