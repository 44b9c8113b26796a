create or replace function billig.spread_capacity(p_ticket_group int, p_left int)
returns void
language sql
begin atomic
    -- Fewer rows as fewer are left: a row that holds less than a purchase wants helps nobody.
    update billig.ticket_group_slot as s
    set remaining = case
        when s.slot > k.slots then 0
        else p_left / k.slots + (s.slot <= p_left % k.slots)::int
    end
    from (
        select least(count(*), greatest(1, p_left / 12))::int as slots
        from billig.ticket_group_slot
        where ticket_group = p_ticket_group
    ) as k
    where s.ticket_group = p_ticket_group;
end;

comment on function billig.spread_capacity(int, int) is
'Spreads the tickets left of a group over its rows. The caller holds lock_capacity, or the group is new.';
