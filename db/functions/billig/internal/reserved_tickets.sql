create or replace function billig.reserved_tickets(p_purchase bigint, p_tickets bigint[])
returns bigint[]
language plpgsql stable
as $$
declare
    v_tickets constant bigint[] := array(
        select ticket
        from billig.ticket
        where
            purchase = p_purchase and sale_channel = 'RESERVATION' and paid is null and refunded is null
            and (p_tickets is null or ticket = any (p_tickets))
        order by ticket
    );
begin
    if cardinality(v_tickets) = 0 or cardinality(v_tickets) < cardinality(p_tickets) then
        raise exception 'not reserved, or no longer reserved' using
            errcode = '23B12',
            detail = format('Purchase %s, tickets %s.', p_purchase, coalesce(p_tickets::text, 'all')),
            hint = 'It may have been paid, cancelled or timed out; see report.ticket_history.';
    end if;
    return v_tickets;
end;
$$;

comment on function billig.reserved_tickets(bigint, bigint[]) is
'The tickets of a purchase that are reserved still (of p_tickets, where given). 23B12: none, or not all of p_tickets.';
