create or replace function marketplace.refund_transaction(
    p_transaction bigint,
    p_reason text,
    p_amount numeric default null,
    p_request_id text default null,
    p_now timestamptz default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_charge marketplace.payment_attempt;
    v_amount bigint;
    v_refund marketplace.transaction;
    v_month date;
    v_answer jsonb;
begin
    perform books.check_text('p_reason', p_reason, 'p_request_id', p_request_id);
    p_now := jobs.server_time(p_now);
    if
        btrim(coalesce(p_reason, '')) = '' or btrim(coalesce(p_request_id, '')) = '' or length(p_request_id) > 200
        or p_amount <= 0 or p_amount <> trunc(p_amount, 2) or p_amount >= 1e12
    then
        raise exception 'a refund needs a reason, an amount and a request id' using
            errcode = '22023',
            detail = format('Amount %s, reason %L, request %L.', p_amount, p_reason, p_request_id),
            hint = 'NOK above 0, at most two decimals; null: all that is left of the charge. The request id, at most 200 characters, is your own name of this refund.';
    end if;
    v_answer := books.begin_request('marketplace.refund_transaction', p_request_id, jsonb_build_object(
        'p_transaction', p_transaction, 'p_reason', p_reason, 'p_amount', p_amount
    ));
    if v_answer is not null then
        return v_answer::bigint;
    end if;
    v_month := marketplace.lock_open_month(null, p_now);
    perform from marketplace.profile as p
    where p.profile = (select t.profile from marketplace.transaction as t where t.transaction = p_transaction)
    for no key update;
    perform from marketplace.transaction as t where t.transaction = p_transaction for no key update;
    if not found then
        raise exception 'no such transaction' using
            errcode = 'P0002',
            detail = format('Transaction %s.', p_transaction),
            hint = 'They are in marketplace.transaction.';
    end if;
    select a.* into v_charge
    from marketplace.payment_attempt as a
    where a.transaction = p_transaction and a.kind = 'CHARGE' and a.state = 'SUCCEEDED'
    for update;
    if not found then
        raise exception 'the transaction was not charged' using
            errcode = '23B73',
            detail = format('Transaction %s: %s.', p_transaction, (
                select t.status from marketplace.transaction as t where t.transaction = p_transaction
            )),
            hint = 'Only an executed charge is given back; before close, clicks are taken out by exclude_clicks.';
    end if;
    select t.* into v_refund
    from marketplace.transaction as t
    where t.corrects = p_transaction and t.request_id = p_request_id;
    if found then
        -- Asked again of a ledger that was restored, and has heard of it from the gateway: or it is somebody else's.
        if
            v_refund.reason is distinct from p_reason or v_refund.due_amount <> -p_amount
            or exists (
                select from books.request as q
                where
                    q.function_name = 'marketplace.refund_transaction' and q.request_id = p_request_id
                    and q.caller <> session_user and q.answer = to_jsonb(v_refund.transaction)
            )
        then
            raise exception 'the request id was used for another refund' using
                errcode = '23B13',
                detail = format('Request %L: NOK %s, %L.', p_request_id, -v_refund.due_amount, v_refund.reason),
                hint = 'Another refund needs another request id.';
        end if;
        perform books.end_request('marketplace.refund_transaction', p_request_id, to_jsonb(v_refund.transaction));
        return v_refund.transaction;
    end if;
    v_amount := coalesce(p_amount * 100, v_charge.left_amount);
    if v_amount = 0 or v_amount > v_charge.left_amount then
        raise exception 'more than is left of the charge' using
            errcode = '23B72',
            detail = format('Charged NOK %s, of which NOK %s are left; now NOK %s.',
                round(v_charge.amount / 100.0, 2), round(v_charge.left_amount / 100.0, 2), round(v_amount / 100.0, 2)),
            hint = 'What was refunded, is in dispute or lost, or was credited for clicks taken back, is not left; refunds under way count.';
    end if;

    update marketplace.payment_attempt as a
    set refunded = a.refunded + v_amount, event = 'refunded', changed_at = p_now, message = p_reason
    where a.payment_attempt = v_charge.payment_attempt;
    insert into marketplace.transaction (
        kind, month, profile, status, advertisement_amount, due_amount, carried_out, corrects, reason, request_id,
        created_at, closed_at
    )
    values (
        'REFUND', v_month, v_charge.profile, 'NEW', -v_amount / 100.0, -v_amount / 100.0, 0, p_transaction, p_reason,
        p_request_id, p_now, p_now
    )
    returning * into v_refund;
    perform books.end_request('marketplace.refund_transaction', p_request_id, to_jsonb(v_refund.transaction));
    return v_refund.transaction;
end;
$$;

comment on function marketplace.refund_transaction(bigint, text, numeric, text, timestamptz) is
'Gives an executed charge back, p_amount NOK of it or, if null, all that is left: a REFUND transaction of its own in the open month, whose number it returns; the next run of marketplace_execute sends it. p_request_id, which it must have: the same caller''s same call again makes no second one, nor does a ledger that was restored and is asked again. 22023; P0002 no such transaction; 23B13 the request was another; 23B72 more than is left of the charge; 23B73 it was not charged.';
