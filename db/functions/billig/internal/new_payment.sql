create or replace function billig.new_payment(
    p_kind text, p_purchase bigint, p_exchange bigint, p_seller text, p_cash_point int, p_made_by text,
    p_provider_reference text, p_reason text, p_override_used boolean,
    p_methods text[], p_amounts numeric[], p_total numeric, p_disputed_payment bigint default null
)
returns bigint
language plpgsql
as $$
declare
    v_payment bigint;
    v_methods smallint[];
    v_amounts numeric[];
    v_disputed bigint;
begin
    if p_cash_point is null and p_seller is not null then
        perform billig.need_till(p_seller);
    end if;
    if p_total >= 0 or p_disputed_payment is not null then -- what goes back is billig.repay's
        select w.methods, w.amounts into v_methods, v_amounts
        from billig.payment_means(p_methods, p_amounts, p_total) as w;
        if
            p_total <> 0 and p_seller is null
            and (select m.payment_method from billig.payment_method as m where m.is_cash) = any (v_methods)
        then
            raise exception 'cash goes over a counter' using
                errcode = '22023',
                detail = format('NOK %s by %s, and no seller.', p_total, array_to_string(p_methods, ', ')),
                hint = 'Let a seller do it, or name another method in p_payment_methods.';
        end if;
    end if;

    insert into billig.payment (
        kind, purchase, exchange, seller, cash_point, made_by, provider_reference, reason, override_used,
        disputed_payment
    )
    values (
        p_kind, p_purchase, p_exchange, p_seller, p_cash_point, p_made_by, p_provider_reference, nullif(p_reason, ''),
        p_override_used, p_disputed_payment
    )
    on conflict (provider_reference) where provider_reference is not null do nothing -- waits for who is just using it
    returning payment into v_payment;
    if not found then
        raise exception 'the provider''s reference was used for something else' using
            errcode = '23B19',
            detail = format('Reference %L.', p_provider_reference),
            hint = 'Each payment and each dispute at the provider is recorded once, of one purchase and one amount.';
    end if;

    if p_total > 0 or p_disputed_payment is not null then
        -- a dispute gives back what it is about; won, it takes that back
        v_disputed := coalesce(
            (select d.disputed_payment from billig.payment as d where d.payment = p_disputed_payment), p_disputed_payment
        );
        insert into billig.payment_line (payment, payment_method, amount, gives_back, gives_back_method)
        select
            v_payment, x.payment_method, x.amount, v_disputed, case when v_disputed is not null then l.payment_method end
        from unnest(v_methods, v_amounts) as l (payment_method, amount)
        inner join billig.payment_method as m on l.payment_method = m.payment_method
        inner join billig.payment_method as r on r.is_rounding
        cross join lateral (
            values
            (m.payment_method, case when m.is_cash then billig.round_cash(l.amount) else l.amount end),
            (r.payment_method, case when m.is_cash then l.amount - billig.round_cash(l.amount) end)
        ) as x (payment_method, amount)
        where x.payment_method <> r.payment_method or x.amount <> 0;
    end if;
    return v_payment;
end;
$$;

comment on function billig.new_payment(text, bigint, bigint, text, int, text, text, text, boolean, text[], numeric[], numeric, bigint) is
'Makes a payment, and its lines where money comes in or a dispute moves it; what goes back otherwise is billig.repay''s. p_total and p_amounts: signed NOK; amounts may be null for a single method. Cash is rounded to whole kroner, 50 øre away from zero, and a line of ROUNDING keeps the rest; no other method ever is. 22023 and 23B06 as billig.payment_means; 22023: cash and no seller; 23B19: the provider''s reference is taken; 23B26 at no cash point, by a seller of tills.';
