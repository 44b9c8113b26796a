create or replace function billig.receipt_seller(p_payment bigint)
returns table (organisation int, has_vat boolean, said text)
language sql stable
begin atomic
    select
        r.organisation, coalesce(v.is_vat_registered, true),
        case
            when v.organisation is null then o.organisation_name
            else concat_ws(
                ', ', v.legal_name,
                'NO ' || v.organisation_number || case when v.is_vat_registered then ' MVA' else '' end,
                case when v.is_in_business_register then 'Foretaksregisteret' end, v.address
            )
        end
    from billig.receipt as r
    inner join billig.payment as p on r.payment = p.payment
    inner join billig.organisation as o on r.organisation = o.organisation
    left join books.organisation_on(billig.local_time(p.payment_time)::date) as v on r.organisation = v.organisation
    where r.payment = p_payment;
end;

comment on function billig.receipt_seller(bigint) is
'Who sells by the receipts of a payment, as books.organisation has it now for the payment''s day: said as printed; where nothing is registered the organisation''s name. has_vat: it is in the VAT register, or nothing is known of it.';
