create or replace function marketplace.settle(
    p_transaction bigint,
    p_kind text,
    p_reason text,
    p_request_id text,
    p_amount numeric default null,
    p_now timestamptz default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_transaction marketplace.transaction;
    v_before marketplace.settlement;
    v_amount numeric;
    v_settlement bigint;
begin
    perform books.check_text('p_kind', p_kind, 'p_reason', p_reason, 'p_request_id', p_request_id);
    p_now := jobs.server_time(p_now);
    if
        p_kind is null or p_kind not in ('PAID_OUTSIDE', 'REDUCED', 'WRITTEN_OFF', 'DONATED')
        or coalesce(p_reason, '') = '' or coalesce(p_request_id, '') = '' or length(p_request_id) > 200
        or p_amount <= 0 or p_amount <> trunc(p_amount, 2) or p_amount >= 1e12 or p_kind = 'REDUCED' and p_amount is null
    then
        raise exception 'a settlement needs a kind, a reason, a request id and an amount' using
            errcode = '22023',
            detail = format('Kind %L, amount %s, reason %L, request %L.', p_kind, p_amount, p_reason, p_request_id),
            hint = 'PAID_OUTSIDE, REDUCED (with an amount), WRITTEN_OFF or DONATED; NOK above 0, at most two decimals, null: all that is left. The request id, at most 200 characters, is your own name of it.';
    end if;
    perform marketplace.lock_open_month(null, p_now);
    select t.* into v_transaction from marketplace.transaction as t where t.transaction = p_transaction;
    if not found then
        raise exception 'no such transaction' using
            errcode = 'P0002',
            detail = format('Transaction %s.', p_transaction),
            hint = 'They are in marketplace.transaction.';
    end if;
    -- What is left is read once nobody else can change it.
    perform from marketplace.profile as p where p.profile = v_transaction.profile for no key update;
    select s.* into v_before
    from marketplace.settlement as s
    where s.transaction = p_transaction and s.request_id = p_request_id and s.undoes is null;
    if found then
        if (v_before.kind, v_before.reason) is distinct from (p_kind, p_reason::text) or abs(v_before.amount) <> p_amount then
            raise exception 'the request id was used for another settlement' using
                errcode = '23B13',
                detail = format('Request %L: %s of NOK %s, %L.', p_request_id, v_before.kind, v_before.amount, v_before.reason),
                hint = 'Another settlement needs another request id.';
        end if;
        return v_before.settlement;
    end if;
    select coalesce(p_amount, abs(t.left_amount)) into v_amount
    from marketplace.transaction as t
    where t.transaction = p_transaction;
    if coalesce(v_amount, 0) = 0 then
        raise exception 'nothing is left of the transaction' using
            errcode = '23B92',
            detail = format('Transaction %s, %s, %s.', p_transaction, v_transaction.kind, v_transaction.status),
            hint = 'select * from marketplace.open_amount; shows what is; what rolled over, or runs, is settled when its month is closed.';
    end if;
    insert into marketplace.settlement (transaction, profile, kind, amount, reason, request_id, settled_at)
    values (
        p_transaction, v_transaction.profile, p_kind, case when p_kind = 'DONATED' then -v_amount else v_amount end, p_reason,
        p_request_id, p_now
    )
    returning settlement into v_settlement;
    return v_settlement;
end;
$$;

comment on function marketplace.settle(bigint, text, text, text, numeric, timestamptz) is
'Settles what a closed transaction has left, p_amount NOK of it or, if null, all, so that no gateway moves it; the settlement''s number. PAID_OUTSIDE: the profile paid the operator by another road (move_reserve puts it into a purse); REDUCED, WRITTEN_OFF: it need not pay. What publishers earned stays owed, and is paid out of the operator''s money in the purse; corrections credit none of what was forgiven. DONATED: what a profile is owed stays with the operator; if its clicks are corrected later, undo it first. The same p_request_id again settles nothing more. 22023; P0002 no such transaction; 23B13 the request was another; 23B92 not so much is left, it is not closed, or a gateway is at it. undo_settlement takes it back.';
