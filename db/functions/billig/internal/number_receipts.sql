create or replace function billig.number_receipts(p_payments bigint[])
returns bigint
language plpgsql
as $$
declare
    v_payments bigint[];
    v_organisations int[];
    v_kinds text[];
begin
    -- Locked before they are counted: who numbers the same ones meanwhile waits here, and finds them numbered.
    select array_agg(d.payment), array_agg(d.organisation), array_agg(d.receipt_kind)
    into v_payments, v_organisations, v_kinds
    from (
        select r.payment, r.organisation, r.receipt_kind
        from billig.receipt as r
        where r.receipt_number is null and (p_payments is null or r.payment = any (p_payments))
        order by r.organisation, r.payment
        for update
    ) as d;
    if v_payments is null then
        return 0;
    end if;

    update billig.receipt as r
    set
        receipt_series = n.receipt_series,
        transaction_number = n.transaction_number,
        receipt_number = n.receipt_number
    from billig.number_documents(
        v_payments, v_organisations, v_kinds, array_fill(null::int, array[cardinality(v_payments)])
    ) as n
    where r.payment = n.payment and r.organisation = n.organisation;
    return cardinality(v_payments);
end;
$$;

comment on function billig.number_receipts(bigint[]) is
'Numbers receipts of no cash point that have no number yet: those of the payments named, or all. Returns how many. May be null: p_payments.';
