create or replace function billig.disputed_method(p_payment billig.payment, p_payment_method text)
returns text
language plpgsql stable
as $$
declare
    v_methods text[];
begin
    select array_agg(o.payment_method_name) into v_methods
    from billig.chargeable as o
    where o.payment = p_payment.payment and o.payment_method_name = coalesce(p_payment_method, o.payment_method_name);
    perform billig.refuse_owed_dispute(p_payment.provider_reference) where v_methods is null;
    if coalesce(cardinality(v_methods), 0) <> 1 then
        raise exception 'which method of the payment was charged back?' using
            errcode = '22023',
            detail = format('Payment %s was made by %s; p_payment_method is %L.', p_payment.payment, (
                select coalesce(string_agg(o.payment_method_name, ', '), 'nothing that a provider takes back')
                from billig.chargeable as o
                where o.payment = p_payment.payment
            ), p_payment_method),
            hint = 'Pass p_payment_method. Cash is not charged back.';
    end if;
    return v_methods[1];
end;
$$;

comment on function billig.disputed_method(billig.payment, text) is
'The method of a payment whose money the provider took back: the only one that can be, or the one that is named. 22023 none, or several; 23B12 the payment bought nothing, and is owed back. For record_chargeback alone. May be null: p_payment_method.';
