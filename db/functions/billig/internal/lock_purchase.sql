create or replace function billig.lock_purchase(p_purchase bigint)
returns void
language plpgsql
as $$
begin
    perform from billig.purchase where purchase = p_purchase for no key update;
    if not found then
        raise exception 'no such purchase' using
            errcode = 'P0002',
            detail = format('Purchase %s.', p_purchase),
            hint = 'Purchases are in billig.purchase.';
    end if;
    perform from billig.ticket where purchase = p_purchase order by ticket for no key update;
end;
$$;

comment on function billig.lock_purchase(bigint) is 'Locks a purchase, then its tickets in key order. P0002: no such purchase.';
