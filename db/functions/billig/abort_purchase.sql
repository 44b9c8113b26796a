create or replace function billig.abort_purchase(p_purchase bigint)
returns table (ticket bigint)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
begin
    perform billig.check_web();
    perform billig.lock_purchase(p_purchase);
    if exists (
        select from billig.ticket
        where purchase = p_purchase and (sale_channel <> 'NET' or (paid is not null and refunded is null))
    ) then
        raise exception 'only an unpaid web purchase can be aborted' using
            errcode = '23B12',
            detail = format('Purchase %s.', p_purchase),
            hint = 'Refund paid tickets; cancel reservations.';
    end if;
    return query
    update billig.ticket as t
    set refunded = billig.local_time()
    where t.purchase = p_purchase and t.paid is null and t.refunded is null
    returning t.ticket;
end;
$$;

comment on function billig.abort_purchase(bigint) is
'The buyer gave up, or the provider said no (T8): one row for each ticket that is released, logged as NET_TIMEOUT; none when called again. P0002: no such purchase; 23B12: paid already, or not a web purchase; 42501.';
