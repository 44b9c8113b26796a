create or replace function billig.lock_capacity(p_ticket_groups int[])
returns int
language plpgsql
as $$
begin
    perform from billig.ticket_group_slot
    where ticket_group = any (p_ticket_groups)
    order by ticket_group, slot
    for no key update;
    return (
        select coalesce(sum(remaining), 0)
        from billig.ticket_group_slot
        where ticket_group = any (p_ticket_groups)
    );
end;
$$;

comment on function billig.lock_capacity(int[]) is
'Locks what is left of whole ticket groups, in key order, waiting where another holds some; returns the tickets left in all of them. The order is what keeps opposite exchanges from deadlock. 55P03 after lock_timeout.';
