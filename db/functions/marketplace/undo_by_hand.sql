create or replace function marketplace.undo_by_hand(p_transaction bigint, p_reason text, p_now timestamptz default null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_old marketplace.transaction;
    v_undone bigint;
begin
    perform books.check_text('p_reason', p_reason);
    p_now := jobs.server_time(p_now);
    perform marketplace.lock_open_month(null, p_now);
    perform from marketplace.profile as p
    where p.profile = (select t.profile from marketplace.transaction as t where t.transaction = p_transaction)
    for no key update;
    select t.* into v_old
    from marketplace.transaction as t
    where t.transaction = p_transaction and t.kind in ('GOODWILL', 'FEE', 'BROUGHT') and t.corrects is null;
    if not found then
        raise exception 'nothing was given or asked by hand there' using
            errcode = 'P0002',
            detail = format('Transaction %s.', p_transaction),
            hint = 'GOODWILL, FEE and BROUGHT of report.marketplace_transaction are; what undoes another is not undone: book it again.';
    end if;
    select t.transaction into v_undone
    from marketplace.transaction as t
    where t.corrects = p_transaction and t.kind in ('GOODWILL', 'FEE', 'BROUGHT');
    if found then
        return v_undone;
    end if;
    if v_old.settled <> 0 or exists (
        select from marketplace.payment_attempt as a
        where
            a.transaction = p_transaction
            and (
                a.state in ('SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION')
                or a.kind = 'CHARGE' and a.state = 'SUCCEEDED' or a.alarm is not null
            )
    ) then
        raise exception 'a gateway is at the transaction, or has charged it, or a person has settled it' using
            errcode = '23B92',
            detail = format('Transaction %s, %s, NOK %s settled.', p_transaction, v_old.status, v_old.settled),
            hint = 'Wait for the gateway''s answer; what was charged is given back by refund_transaction; what was settled is first taken back by undo_settlement.';
    end if;
    return marketplace.book_by_hand(
        case v_old.kind when 'FEE' then 'GOODWILL' when 'GOODWILL' then 'FEE' else v_old.kind end, v_old.profile,
        case v_old.kind when 'BROUGHT' then -v_old.due_amount else abs(v_old.due_amount) end, p_reason,
        left(format('undo %s', v_old.request_id), 200), p_transaction, p_now
    );
end;
$$;

comment on function marketplace.undo_by_hand(bigint, text, timestamptz) is
'Takes a GOODWILL or a FEE back, by a transaction of the other kind that names it, or a BROUGHT by its opposite, whose number it returns, the same one when it is asked again. What is left of the first meets it; what was set off or paid of it is owed back. 22023; P0002 no such transaction; 23B92 a gateway is at it, it was charged (refund_transaction gives that back), or it was settled.';
