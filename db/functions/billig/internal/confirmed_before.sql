create or replace function billig.confirmed_before(p_purchase bigint, p_amount numeric, p_provider_reference text)
returns boolean
language plpgsql stable
as $$
declare
    v_same boolean;
begin
    select
        p.kind = 'SALE'
        and coalesce(p.purchase, o.named_purchase) is not distinct from p_purchase
        and p_amount = coalesce(o.amount, 0) + (
            select coalesce(sum(l.amount), 0)
            from billig.payment_line as l
            inner join billig.payment_method as m on l.payment_method = m.payment_method and not m.is_held
            where l.payment = p.payment and l.gives_back is null
        )
    into v_same
    from billig.payment as p
    left join billig.owed_back as o on p.provider_reference = o.provider_reference and o.reopens is null
    where p.provider_reference = p_provider_reference;
    if not found then
        return false;
    elsif not v_same then
        raise exception 'the provider''s reference was used for something else' using
            errcode = '23B19',
            detail = format('Reference %L.', p_provider_reference),
            hint = 'Each payment at the provider is confirmed once, for one purchase and one amount.';
    end if;
    return true;
end;
$$;

comment on function billig.confirmed_before(bigint, numeric, text) is
'Whether a provider''s reference was confirmed already, of that purchase and amount (NOK). 23B19: of something else.';
