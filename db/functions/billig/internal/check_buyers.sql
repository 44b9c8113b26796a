create or replace function billig.check_buyers(p_buyers text[], p_price_groups int[], p_asked int[])
returns void
language plpgsql
as $$
declare
    v_over record;
begin
    perform billig.take_buyer_turn(p_buyers);
    -- A statement of its own: it sees what those before it in turn have committed.
    select o.price_group, o.price_group_name, o.held, o.ticket_limit, p_asked[o.place] as asked
    into v_over
    from billig.over_limit(p_buyers, p_price_groups, array_fill(0, array[cardinality(p_buyers)])) as o
    order by o.price_group
    limit 1;
    if found then
        raise exception 'too many tickets for one buyer' using
            errcode = '23B05',
            detail = format('Price group %s (%s): at most %s for one buyer, who holds %s, and %s more are asked for.',
                v_over.price_group, v_over.price_group_name, v_over.ticket_limit, v_over.held - v_over.asked, v_over.asked),
            hint = 'ticket_limit of the ticket group decides. Refunded tickets and those that timed out do not count.';
    end if;
end;
$$;

comment on function billig.check_buyers(text[], int[], int[]) is
'Refuses (23B05) what has just given a buyer more live tickets of a price group than its ticket_limit: the i-th of p_buyers got p_asked of the i-th of p_price_groups.';
