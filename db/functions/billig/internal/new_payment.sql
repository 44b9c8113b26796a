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
    v_amounts numeric[] := case
        when p_amounts is null and cardinality(p_methods) = 1 then array[p_total] else p_amounts
    end;
    v_cash int;
    v_lines int;
    v_given numeric;
begin
    if p_cash_point is null and p_seller is not null and p_kind not in ('REFUND', 'REDUCTION') then
        perform billig.need_till(p_seller);
    end if;
    if p_amounts is not null then
        v_amounts := array(select a from unnest(p_amounts) as a); -- from subscript 1, whatever the client's begin at
    end if;
    if p_total <> 0 and coalesce(cardinality(p_methods), 0) = 0 then
        raise exception 'a payment method is needed' using
            errcode = '22023',
            detail = format('NOK %s moves.', p_total),
            hint = 'Pass p_payment_methods, such as {CASH} or {CASH,CARD}.';
    end if;
    if
        p_total <> 0 and p_seller is null
        and (select m.payment_method_name from billig.payment_method as m where m.is_cash) = any (p_methods)
    then
        raise exception 'cash goes over a counter' using
            errcode = '22023',
            detail = format('NOK %s by %s, and no seller.', p_total, array_to_string(p_methods, ', ')),
            hint = 'Let a seller do it, or name another method in p_payment_methods.';
    end if;
    if coalesce(cardinality(p_methods), 0) <> coalesce(cardinality(v_amounts), 0) then
        raise exception 'payment methods and amounts do not pair up' using
            errcode = '22023',
            detail = format('%s methods, %s amounts.',
                coalesce(cardinality(p_methods), 0), coalesce(cardinality(v_amounts), 0)),
            hint = 'Pass one amount per method; a single method needs none.';
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

    if cardinality(p_methods) > 0 then
        if p_total = 0 then -- no line, but what is given must agree
            v_lines := (
                select count(*)
                from unnest(p_methods, v_amounts) as l (method, amount)
                inner join billig.payment_method as m on l.method = m.payment_method_name and not m.is_rounding
                where l.amount = 0
            );
        else
            -- Cash may be named as it is to be paid, or rounded as it is handed over.
            v_cash := array_position(
                array(select x from unnest(p_methods) as x),
                (select payment_method_name from billig.payment_method where is_cash)
            );
            if v_cash is not null and p_amounts is not null then
                v_given := p_total - (select coalesce(sum(a), 0) from unnest(v_amounts) as a) + v_amounts[v_cash];
                if v_amounts[v_cash] = billig.round_cash(v_given) then
                    v_amounts[v_cash] := v_given;
                end if;
            end if;
            insert into billig.payment_line (payment, payment_method, amount)
            select v_payment, m.payment_method, case when m.is_cash then billig.round_cash(l.amount) else l.amount end
            from unnest(p_methods, v_amounts) as l (method, amount)
            inner join billig.payment_method as m on l.method = m.payment_method_name and not m.is_rounding
            where l.amount = round(l.amount, 2) and sign(l.amount) = sign(p_total) and abs(l.amount) < 'Infinity'
            on conflict do nothing;
            get diagnostics v_lines = row_count;
            if p_total > 0 and cardinality(p_methods) > 1 and billig.round_cash(v_amounts[v_cash]) = 0 then
                raise exception 'the part in cash rounds to nothing' using
                    errcode = '22023',
                    detail = format('NOK %s in cash, besides other methods.', v_amounts[v_cash]),
                    hint = 'Leave cash out: what is not paid in cash is not rounded.';
            end if;
            if v_amounts[v_cash] <> billig.round_cash(v_amounts[v_cash]) then
                insert into billig.payment_line (payment, payment_method, amount)
                select v_payment, m.payment_method, v_amounts[v_cash] - billig.round_cash(v_amounts[v_cash])
                from billig.payment_method as m
                where m.is_rounding and abs(v_amounts[v_cash]) < 'Infinity';
            end if;
        end if;
        if v_lines <> cardinality(p_methods) then
            raise exception 'a payment line is wrong' using
                errcode = '22023',
                detail = format('Methods %s, amounts %s.', p_methods, v_amounts),
                hint = format('Methods are %s, each named once; amounts are NOK with at most two decimals, of the same sign.',
                    (
                        select string_agg(payment_method_name, ', ' order by payment_method)
                        from billig.payment_method
                        where not is_rounding
                    ));
        end if;
        v_given := case
            when cardinality(p_methods) = 1 then v_amounts[1] else (select sum(a) from unnest(v_amounts) as a)
        end;
        if v_given <> p_total then
            raise exception 'the payment does not match what is to be paid' using
                errcode = '23B06',
                detail = format('NOK %s to be paid, %s given.', p_total, v_given),
                hint = 'Let the amounts sum to what is to be paid, or leave them null with a single method.';
        end if;
    end if;
    return v_payment;
end;
$$;

comment on function billig.new_payment(text, bigint, bigint, text, int, text, text, text, boolean, text[], numeric[], numeric, bigint) is
'Makes a payment and its lines. p_total and p_amounts: signed NOK; amounts may be null for a single method. Cash is rounded to whole kroner, 50 øre away from zero, and a line of ROUNDING keeps the rest; no other method ever is. 22023: unknown method, wrong pairing, a part in cash that rounds to nothing, cash and no seller; 23B06: amounts do not sum to p_total; 23B19: the provider''s reference is taken; 23B26 at no cash point, by a seller of tills.';
