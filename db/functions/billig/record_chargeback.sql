create or replace function billig.record_chargeback(
    p_dispute_reference text,
    p_provider_reference text default null,
    p_payment bigint default null,
    p_amount numeric default null,
    p_payment_method text default null,
    p_reason text default null,
    p_dispute_type text default null,
    p_fee numeric default 0,
    p_answer_by date default null,
    p_lets_in boolean default false
)
returns table (payment bigint, ticket bigint, amount numeric)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_disputed billig.payment;
    v_chargeback billig.payment;
    v_method text;
    v_left numeric;
    v_tickets bigint[];
    v_amounts numeric[];
    v_amount numeric;
    v_upto numeric;
begin
    perform books.check_text(
        'p_dispute_reference', p_dispute_reference, 'p_provider_reference', p_provider_reference,
        'p_payment_method', p_payment_method, 'p_reason', p_reason, 'p_dispute_type', p_dispute_type
    );
    perform books.check_day('p_answer_by', p_answer_by);
    if coalesce(p_dispute_reference, '') !~ '[^[:space:]]' or num_nonnulls(p_provider_reference, p_payment) <> 1 then
        raise exception 'the dispute''s reference and one payment are needed' using
            errcode = '22023',
            detail = format('Dispute %L, provider''s reference %L, payment %s.',
                p_dispute_reference, p_provider_reference, coalesce(p_payment::text, 'null')),
            hint = 'The dispute''s reference is what makes a second call harmless. Name the payment by p_provider_reference or by p_payment.';
    end if;
    select p.* into v_disputed
    from billig.payment as p
    where p.payment = p_payment or p.provider_reference = p_provider_reference
    for no key update; -- one dispute of it at a time
    if not found or v_disputed.kind not in ('SALE', 'EXCHANGE', 'CHANGE') then
        raise exception 'no such payment' using
            errcode = 'P0002',
            detail = format('Provider''s reference %L, payment %s.', p_provider_reference, coalesce(p_payment::text, 'null')),
            hint = 'A chargeback is of a payment that took money for tickets.';
    end if;

    select p.* into v_chargeback
    from billig.payment as p
    where p.provider_reference = p_dispute_reference;
    if found then -- said twice: the same answer, and nothing happens
        if
            v_chargeback.disputed_payment is distinct from v_disputed.payment
            or v_chargeback.kind <> 'CHARGEBACK'
            or p_payment_method <> (
                select m.payment_method_name
                from billig.payment_line as i
                inner join billig.payment_method as m on i.payment_method = m.payment_method
                where i.payment = v_chargeback.payment
            )
            or p_amount <> (select -sum(i.amount) from billig.payment_line as i where i.payment = v_chargeback.payment)
        then
            raise exception 'the dispute''s reference was used for something else' using
                errcode = '23B19',
                detail = format('Reference %L, payment %s.', p_dispute_reference, v_chargeback.payment),
                hint = 'Each dispute is recorded once, of one payment and one amount.';
        end if;
        return query
        select *
        from jsonb_to_recordset(billig.payment_answer(array[v_chargeback.payment]))
            as r (payment bigint, ticket bigint, amount numeric);
        return;
    end if;

    -- What came in by a method that can be disputed, less what was taken back of it.
    v_method := billig.disputed_method(v_disputed, p_payment_method);
    select s.tickets, s.amounts into v_tickets, v_amounts
    from billig.lock_money_of(v_disputed.payment) as s;
    -- Of what is left in them what lies there by this payment and method: the rest was paid otherwise, and goes back so.
    select array_agg(w.key), array_agg(w.amount), coalesce(sum(w.amount), 0)
    into v_tickets, v_amounts, v_upto
    from billig.paid_with(v_tickets, v_tickets, v_amounts) as w
    inner join billig.payment_method as m on w.payment_method = m.payment_method
    where w.gives_back = v_disputed.payment and m.payment_method_name = v_method and w.amount > 0;
    perform billig.lock_given_back(array[v_disputed.payment]);
    select least(o.amount, v_upto) into v_left
    from billig.chargeable as o
    where o.payment = v_disputed.payment and o.payment_method_name = v_method;
    v_amount := coalesce(p_amount, v_left);
    if v_amount < 0 or v_amount = 'NaN' or v_amount <> round(v_amount, 2) or p_amount = 0 then
        raise exception 'the amount is no sum of money' using
            errcode = '22023',
            detail = format('p_amount is %s.', p_amount),
            hint = 'Positive NOK with at most two decimals; null: all that is left of the payment.';
    elsif v_amount > v_left or v_amount = 0 then
        raise exception 'more is charged back than is left of the payment' using
            errcode = '23B31',
            detail = format('Payment %s: NOK %s charged back, %s left.',
                v_disputed.payment, coalesce(p_amount::text, 'all'), v_left),
            hint = 'What was given back already cannot be taken back again: contest it with the provider, with the repayment''s reference. What of the payment is owed back (report.owed_back) ends by billig.settle_owed_back, with the dispute''s reference.';
    end if;

    v_chargeback.payment := billig.new_payment(
        'CHARGEBACK', v_disputed.purchase, null, null, null, 'FUNCTION', p_dispute_reference, p_reason, false,
        array[v_method], null, -v_amount, v_disputed.payment
    );
    perform billig.note_dispute(v_chargeback.payment, p_dispute_type, p_fee, p_answer_by, p_lets_in);
    update billig.ticket as t
    set
        charged_back = t.charged_back + k.part,
        kept = case when t.refunded is null then t.kept else t.kept - k.part end,
        payment = v_chargeback.payment
    from (
        select
            m.ticket,
            books.share_of(v_amount, sum(m.amount) over (order by m.ticket), m.amount, v_upto) as part
        from unnest(v_tickets, v_amounts) as m (ticket, amount)
    ) as k
    where t.ticket = k.ticket and k.part <> 0;
    return query
    select *
    from jsonb_to_recordset(billig.payment_answer(array[v_chargeback.payment]))
        as r (payment bigint, ticket bigint, amount numeric);
end;
$$;

comment on function billig.record_chargeback(text, text, bigint, numeric, text, text, text, numeric, date, boolean) is
'The payment provider took money of a payment back, since the buyer disputed it: one row per ticket in which that money lies now, exchanges followed, in proportion to what lies there by that method; logged as CHARGEBACK, amount negative NOK, the ticket''s part first. The payment is named by p_provider_reference or p_payment; p_amount: positive NOK, null: all that is left; p_payment_method: where several that are not cash. p_dispute_reference: the provider''s, once: the same again gives the first answer. The tickets keep their seats: refund them to free those; one that is charged back whole lets nobody in, unless p_lets_in. p_dispute_type: the provider''s word; p_fee: NOK that it keeps for it, positive; p_answer_by: until when it can be contested (billig.dispute, as first said). 22023; P0002 no such payment; 23B12 the payment bought nothing, and is owed back; 23B19 reference used for something else; 23B31 more than is left; 42501.';
