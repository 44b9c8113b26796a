create or replace function billig.still_free(p_tickets bigint[])
returns boolean
language plpgsql
as $$
begin
    perform billig.lock_capacity(array(
        select distinct t.ticket_group from billig.ticket as t where t.ticket = any (p_tickets)
    ));
    perform billig.take_buyer_turn(array(
        select distinct p.buyer
        from billig.ticket as t
        inner join billig.purchase as p on t.purchase = p.purchase
        where t.ticket = any (p_tickets) and p.buyer is not null
    ));
    return not exists (
        select
        from (
            select array_agg(g.buyer) as buyers, array_agg(g.price_group) as price_groups, array_agg(g.tickets) as more
            from (
                select p.buyer, t.price_group, count(*)::int as tickets
                from billig.ticket as t
                inner join billig.purchase as p on t.purchase = p.purchase
                where t.ticket = any (p_tickets) and p.buyer is not null
                group by p.buyer, t.price_group
            ) as g
        ) as w
        cross join billig.over_limit(w.buyers, w.price_groups, w.more)
    ) and (
        select bool_and(w.tickets <= w.remaining and w.event_time > billig.local_time() and not billig.is_cancelled(w.event))
        from (
            select
                count(*) as tickets, e.event, e.event_time,
                (
                    select sum(s.remaining)
                    from billig.ticket_group_slot as s
                    where s.ticket_group = t.ticket_group
                ) as remaining
            from billig.ticket as t
            inner join billig.event as e on t.event = e.event
            where t.ticket = any (p_tickets)
            group by t.ticket_group, e.event, e.event_time
        ) as w
    );
end;
$$;

comment on function billig.still_free(bigint[]) is
'Whether seats like those of tickets that timed out are still available, all of them, for events that have not begun and are not cancelled, and to a buyer who may hold so many. Locks what is left of their groups, then the buyer''s turn, so that the answer holds until the transaction ends.';
