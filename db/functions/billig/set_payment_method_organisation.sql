create or replace function billig.set_payment_method_organisation(p_payment_method text, p_organisation int)
returns int
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_payment_method', p_payment_method);
    if not exists (select from billig.organisation as o where o.organisation = p_organisation) then
        raise exception 'no such organisation' using
            errcode = 'P0002',
            detail = format('Organisation %L.', p_organisation),
            hint = 'Organisations are in billig.organisation.';
    end if;
    -- what cash was rounded by lies where the cash does
    update billig.payment_method as m
    set organisation = p_organisation
    from billig.payment_method as n
    where
        n.payment_method_name = p_payment_method and not n.is_rounding and not n.is_held
        and (m.payment_method = n.payment_method or m.is_rounding and n.is_cash);
    if not found then
        raise exception 'no such payment method' using
            errcode = 'P0002',
            detail = format('Payment method %L.', p_payment_method),
            hint = 'Payment methods stand in billig.payment_method.';
    end if;
    return p_organisation;
end;
$$;

comment on function billig.set_payment_method_organisation(text, int) is
'Says whose account a payment method''s money reaches where no cash point says so, as on the web: who has the agreement with the provider. It applies to payments from now on; what was paid stays where it is. Returns the organisation. P0002: no such organisation or method.';
