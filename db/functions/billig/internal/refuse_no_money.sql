create or replace function billig.refuse_no_money(p_purchase bigint, p_amount numeric, p_to_pay numeric, p_is_late boolean)
returns void
language plpgsql
as $$
begin
    if p_amount = 0 and p_is_late then
        raise exception 'sold out' using
            errcode = '23B01',
            detail = format('The free tickets of purchase %s timed out, and are no longer available.', p_purchase),
            hint = 'Nothing was paid, so nothing is owed.';
    end if;
    raise exception 'that is no sum of money that was charged' using
        errcode = '23B06',
        detail = format('Purchase %s: NOK %s to be paid; %s confirmed.', coalesce(p_purchase::text, 'null'), p_to_pay, p_amount),
        hint = 'Nothing was recorded. Confirm what the provider charged: NOK above 0, with at most two decimals.';
end;
$$;

comment on function billig.refuse_no_money(bigint, numeric, numeric, boolean) is
'Refuses a confirmation of no money: 23B01 of free tickets that timed out and are gone, else 23B06. For confirm_net_payment alone.';
