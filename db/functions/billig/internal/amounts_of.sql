create or replace function billig.amounts_of(p_tickets bigint[], p_amounts numeric[], p_name text, p_least numeric)
returns numeric[]
language plpgsql
as $$
declare
    v_amounts numeric[] := array(select a from unnest(p_amounts) as a); -- from subscript 1, whatever the client's begin at
begin
    if coalesce(cardinality(p_tickets), 0) = 0 then
        return array[]::numeric[]; -- lock_tickets says so
    end if;
    if cardinality(v_amounts) = 1 then
        v_amounts := array_fill(v_amounts[1], array[cardinality(p_tickets)]);
    end if;
    if
        array_ndims(p_tickets) > 1
        or cardinality(v_amounts) <> cardinality(p_tickets)
        or (select count(*) <> count(distinct t) from unnest(p_tickets) as t)
        or exists (
            select from unnest(v_amounts) as a
            where a is null or a < p_least or a > 99999999 or a <> round(a, 2)
        )
    then
        raise exception 'tickets and amounts do not pair up' using
            errcode = '22023',
            detail = format('Tickets %s, %s %s.', p_tickets, p_name, p_amounts),
            hint = format('Name each ticket once, with one amount for all or one each: NOK, %s or more, with at most two decimals.', p_least);
    end if;
    return v_amounts;
end;
$$;

comment on function billig.amounts_of(bigint[], numeric[], text, numeric) is
'An amount, NOK, for each of p_tickets: a single one is for each. 22023: they do not pair up, a ticket is named twice, or an amount is less than p_least or not in whole øre. p_name: the argument''s, for the message.';
