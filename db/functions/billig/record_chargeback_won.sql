create or replace function billig.record_chargeback_won(p_dispute_reference text, p_reason text default null)
returns table (payment bigint, ticket bigint, amount numeric)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_chargeback billig.payment;
    v_payment bigint;
    v_tickets bigint[];
    v_amounts numeric[];
begin
    perform books.check_text('p_dispute_reference', p_dispute_reference, 'p_reason', p_reason);
    select p.* into v_chargeback
    from billig.payment as p
    where p.provider_reference = p_dispute_reference and p.kind = 'CHARGEBACK'
    for no key update;
    if not found then
        raise exception 'no such chargeback' using
            errcode = 'P0002',
            detail = format('Dispute %L.', p_dispute_reference),
            hint = 'Record it first: billig.record_chargeback.';
    end if;
    select p.payment into v_payment
    from billig.payment as p
    where p.disputed_payment = v_chargeback.payment and p.kind = 'CHARGEBACK_WON';
    if not found then
        select array_agg(a.ticket), array_agg(-a.amount)
        into v_tickets, v_amounts
        from jsonb_to_recordset(billig.payment_answer(array[v_chargeback.payment])) as a (ticket bigint, amount numeric);
        perform billig.lock_tickets(v_tickets);
        v_payment := billig.new_payment(
            'CHARGEBACK_WON', v_chargeback.purchase, null, null, null, 'FUNCTION', null, p_reason, false,
            (
                select array_agg(m.payment_method_name)
                from billig.payment_line as i
                inner join billig.payment_method as m on i.payment_method = m.payment_method
                where i.payment = v_chargeback.payment
            ),
            null, (select sum(a) from unnest(v_amounts) as a), v_chargeback.payment
        );
        update billig.ticket as t
        set
            charged_back = t.charged_back - k.amount,
            kept = case when t.refunded is null then t.kept else t.kept + k.amount end,
            payment = v_payment
        from unnest(v_tickets, v_amounts) as k (ticket, amount)
        where t.ticket = k.ticket;
    end if;
    return query
    select *
    from jsonb_to_recordset(billig.payment_answer(array[v_payment])) as r (payment bigint, ticket bigint, amount numeric);
end;
$$;

comment on function billig.record_chargeback_won(text, text) is
'The payment provider gave back what a chargeback had taken: one row per ticket of it, logged as CHARGEBACK_WON, amount positive NOK; what it took of a ticket refunded since stays with us. Once: the same again gives the first answer. P0002 no such chargeback; 42501.';
