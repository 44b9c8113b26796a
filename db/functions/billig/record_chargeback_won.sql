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
    v_other numeric;
begin
    perform books.check_text('p_dispute_reference', p_dispute_reference, 'p_reason', p_reason);
    select p.* into v_chargeback
    from billig.payment as p
    where p.provider_reference = p_dispute_reference and p.kind = 'CHARGEBACK'
    for no key update;
    if not found then
        -- It may have taken nothing but what was owed back, or what there was not.
        v_other := billig.bring_back_disputed(p_dispute_reference, null);
        if v_other is not null then
            return query
            select null::bigint, null::bigint, v_other;
            return;
        end if;
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
    perform billig.bring_back_disputed(p_dispute_reference, (
        select d.provider_reference from billig.payment as d where d.payment = v_chargeback.disputed_payment
    ));
    return query
    select *
    from jsonb_to_recordset(billig.payment_answer(array[v_payment])) as r (payment bigint, ticket bigint, amount numeric);
end;
$$;

comment on function billig.record_chargeback_won(text, text) is
'The payment provider gave back what a chargeback had taken: one row per ticket of it, logged as CHARGEBACK_WON, amount positive NOK; what it took of a ticket refunded since stays with us. Where the dispute had paid money that was owed back (billig.settle_owed_back by its reference), that is owed again (report.owed_back), and what it had taken beyond all that is no loss any more (billig.dispute_loss); where it took nothing of tickets, one row says how much, with neither payment nor ticket. It may have been decided otherwise before (billig.decide_dispute). Once: the same again gives the first answer. P0002 no such chargeback; 23B39 it cannot be told which debt it had paid; 42501. May be null: payment, ticket.';
