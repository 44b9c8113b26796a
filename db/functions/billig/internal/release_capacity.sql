create or replace function billig.release_capacity(p_ticket_group int, p_count int)
returns void
language plpgsql
as $$
declare
    v_slot smallint;
begin
    -- Two statements: an UPDATE that meets a row newer than its snapshot would run a subquery of its own once more.
    select slot into v_slot
    from billig.ticket_group_slot
    where ticket_group = p_ticket_group
    order by remaining desc
    limit 1
    for no key update skip locked;
    update billig.ticket_group_slot
    set remaining = remaining + p_count
    where ticket_group = p_ticket_group and slot = coalesce(v_slot, 1);
end;
$$;

comment on function billig.release_capacity(int, int) is 'Gives back p_count tickets of a group, waiting only where every row is locked.';
