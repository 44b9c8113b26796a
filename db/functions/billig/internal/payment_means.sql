create or replace function billig.payment_means(
    p_methods text[], p_amounts numeric[], p_total numeric, out methods smallint[], out amounts numeric[]
)
language plpgsql stable
as $$
declare
    v_methods text[] := array(select m from unnest(p_methods) as m); -- from subscript 1, whatever the client's begin at
    v_cash int;
    v_given numeric;
    v_right int;
begin
    amounts := case
        when p_amounts is null and cardinality(v_methods) = 1 then array[p_total]
        else array(select a from unnest(p_amounts) as a)
    end;
    if p_total <> 0 and cardinality(v_methods) = 0 then
        raise exception 'a payment method is needed' using
            errcode = '22023',
            detail = format('NOK %s moves.', p_total),
            hint = 'Pass p_payment_methods, such as {CASH} or {CASH,CARD}.';
    elsif cardinality(v_methods) <> cardinality(amounts) then
        raise exception 'payment methods and amounts do not pair up' using
            errcode = '22023',
            detail = format('%s methods, %s amounts.', cardinality(v_methods), cardinality(amounts)),
            hint = 'Pass one amount per method; a single method needs none.';
    elsif cardinality(v_methods) = 0 then
        return;
    end if;

    -- Cash may be named as it is to be paid, or rounded as it is handed over.
    v_cash := array_position(v_methods, (select m.payment_method_name from billig.payment_method as m where m.is_cash));
    if p_total <> 0 and v_cash is not null and p_amounts is not null then
        v_given := p_total - (select coalesce(sum(a), 0) from unnest(amounts) as a) + amounts[v_cash];
        if amounts[v_cash] = billig.round_cash(v_given) then
            amounts[v_cash] := v_given;
        end if;
    end if;
    select array_agg(m.payment_method order by l.position), count(distinct m.payment_method)
    into methods, v_right
    from unnest(v_methods, amounts) with ordinality as l (method, amount, position)
    inner join billig.payment_method as m on l.method = m.payment_method_name and not m.is_rounding and not m.is_held
    where case
        when p_total = 0 then l.amount = 0 -- no line, but what is given must agree
        else l.amount = round(l.amount, 2) and sign(l.amount) = sign(p_total) and abs(l.amount) < 'Infinity'
    end;
    if v_right <> cardinality(v_methods) then
        raise exception 'a payment line is wrong' using
            errcode = '22023',
            detail = format('Methods %s, amounts %s.', p_methods, amounts),
            hint = format('Methods are %s, each named once; amounts are NOK with at most two decimals, of the same sign.',
                (
                    select string_agg(payment_method_name, ', ' order by payment_method)
                    from billig.payment_method
                    where not is_rounding and not is_held
                ));
    end if;
    v_given := (select sum(a) from unnest(amounts) as a);
    if v_given <> p_total then
        raise exception 'the payment does not match what is to be paid' using
            errcode = '23B06',
            detail = format('NOK %s to be paid, %s given.', p_total, v_given),
            hint = 'Let the amounts sum to what is to be paid, or leave them null with a single method.';
    end if;
    if p_total > 0 and cardinality(v_methods) > 1 and billig.round_cash(amounts[v_cash]) = 0 then
        raise exception 'the part in cash rounds to nothing' using
            errcode = '22023',
            detail = format('NOK %s in cash, besides other methods.', amounts[v_cash]),
            hint = 'Leave cash out: what is not paid in cash is not rounded.';
    end if;
end;
$$;

comment on function billig.payment_means(text[], numeric[], numeric) is
'Methods by name, and signed amounts in NOK, checked against what is to be paid and paired; amounts may be null for a single method. 22023: unknown method, one named twice, wrong pairing, a part in cash that rounds to nothing; 23B06: they do not sum to p_total. May be null: methods, amounts (nothing moves, and nothing was named).';
