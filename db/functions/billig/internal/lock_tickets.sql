create or replace function billig.lock_tickets(p_tickets bigint[])
returns setof billig.ticket
language plpgsql
as $$
declare
    v_found bigint[];
begin
    if coalesce(cardinality(p_tickets), 0) = 0 then
        raise exception 'no ticket is named' using
            errcode = '22023',
            detail = 'p_tickets is null or empty.',
            hint = 'Pass an array of ticket numbers, such as {17,18}.';
    end if;
    v_found := array(
        select t.ticket
        from billig.ticket as t
        where t.ticket = any (p_tickets)
        order by t.ticket
        for no key update
    );
    if exists (select unnest(p_tickets) except select unnest(v_found)) then
        raise exception 'no such ticket' using
            errcode = 'P0002',
            detail = format('Tickets %s.', (
                select string_agg(coalesce(x::text, 'null'), ', ')
                from (select unnest(p_tickets) except select unnest(v_found)) as m (x)
            )),
            hint = 'Nothing was changed.';
    end if;
    return query
    select t.*
    from billig.ticket as t
    where t.ticket = any (v_found)
    order by t.ticket;
end;
$$;

comment on function billig.lock_tickets(bigint[]) is
'Locks tickets in key order and returns them as they are then. 22023: none named; P0002: no such ticket.';
