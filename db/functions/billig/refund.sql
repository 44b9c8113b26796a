create or replace function billig.refund(
    p_tickets bigint[],
    p_seller text default null,
    p_cash_point int default null,
    p_payment_methods text[] default null,
    p_payment_amounts numeric[] default null,
    p_reason text default null,
    p_override_used boolean default false,
    p_request_id text default null,
    p_kept numeric[] default null
)
returns table (payment bigint, ticket bigint, amount numeric)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_answer jsonb;
    v_tickets bigint[];
    v_amounts numeric[];
    v_kept numeric[];
    v_lines numeric[];
    v_payments bigint[];
begin
    perform books.check_text('p_seller', p_seller, 'p_reason', p_reason, 'p_request_id', p_request_id);
    p_tickets := books.list('p_tickets', p_tickets);
    p_payment_methods := books.list('p_payment_methods', p_payment_methods);
    p_payment_amounts := books.list('p_payment_amounts', p_payment_amounts);
    p_kept := books.list('p_kept', p_kept, true);
    if p_payment_amounts is not null then
        v_lines := array(select -a from unnest(p_payment_amounts) as a);
    end if;
    if p_seller is null then
        perform billig.check_web();
    else
        p_seller := billig.check_seller(p_seller);
    end if;
    perform billig.till_cash_point(p_seller, p_cash_point);
    if p_seller is null and p_cash_point is not null then
        raise exception 'a refund at a stand needs a seller' using
            errcode = '22023',
            detail = format('Cash point %s, and p_seller is null.', p_cash_point),
            hint = 'Pass p_seller, or leave p_cash_point null: the web has none.';
    end if;
    if p_override_used and coalesce(p_reason, '') = '' then
        raise exception 'taking back a used ticket needs a reason' using
            errcode = '22023',
            detail = 'p_override_used without p_reason.',
            hint = 'Say why in p_reason; it is kept with the payment.';
    end if;
    if p_request_id is not null then
        v_answer := books.begin_request('billig.refund', p_request_id, jsonb_build_object(
            'p_tickets', p_tickets, 'p_seller', p_seller, 'p_cash_point', p_cash_point,
            'p_payment_methods', p_payment_methods, 'p_payment_amounts', p_payment_amounts, 'p_reason', p_reason,
            'p_override_used', p_override_used, 'p_kept', p_kept
        ));
        if v_answer is not null then
            return query
            select * from jsonb_to_recordset(v_answer) as r (payment bigint, ticket bigint, amount numeric);
            return;
        end if;
    end if;

    if p_kept is not null then
        v_kept := billig.amounts_of(p_tickets, p_kept, 'p_kept', 0);
    end if;
    select
        array_agg(t.ticket), array_agg(coalesce(k.amount, 0)),
        array_agg(
            coalesce(k.amount, 0)
            - billig.left_of(t.paid is not null, t.refunded is not null, t.price, t.reduced, t.charged_back, t.kept)
        )
    into v_tickets, v_kept, v_amounts
    from billig.lock_tickets(p_tickets) as t
    left join (
        select k.ticket, k.amount
        from unnest(p_tickets, v_kept) as k (ticket, amount)
        where p_kept is not null
    ) as k on t.ticket = k.ticket;
    perform billig.check_refundable(v_tickets, v_kept, p_seller, p_override_used);

    v_payments := billig.make_repayments(
        'REFUND', v_tickets, v_amounts, p_seller, p_cash_point, case when p_seller is null then 'WEB' else 'FUNCTION' end,
        p_reason, p_override_used, p_payment_methods, v_lines, v_kept
    );
    v_answer := billig.payment_answer(v_payments);
    if p_request_id is not null then
        perform books.end_request('billig.refund', p_request_id, v_answer);
    end if;
    return query
    select * from jsonb_to_recordset(v_answer) as r (payment bigint, ticket bigint, amount numeric);
end;
$$;

comment on function billig.refund(bigint[], text, int, text[], numeric[], text, boolean, text, numeric[]) is
'Pays tickets back, of one or many purchases, the price as sold, its fee with it, less what was given back before: one row per ticket, amount negative NOK. p_kept: NOK of each of p_tickets, in their order, that is not paid back, or one amount for each of them: the fee''s part first, logged as FEE_KEPT beside the refund''s full row. By the payments and methods they were paid with, in proportion where several; one payment for each that is given back. p_payment_methods (and p_payment_amounts, positive NOK) choose among those methods; with p_reason also CASH, BANK or OTHER for another. p_cash_point: at that stand (NORMAL_REFUND); null: that of the seller''s open till session, save for what was paid on the web and is not paid back in cash. p_seller null: the web''s own refund of web tickets (NET_REFUND). p_override_used with p_reason: tickets that were ever used too, and the log says so. 22023; P0002 no such ticket; 23B06; 23B09; 23B10 refunded already; 23B11 used; 23B12 not paid; 23B13; 23B26 no till session is open; 23B31 p_kept is more than is left, or more would go back by a method than came in by it; 42501.';
