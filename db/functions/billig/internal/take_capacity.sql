create or replace function billig.take_capacity(p_ticket_group int, p_count int)
returns void
language plpgsql
as $$
declare
    v_slot smallint;
    v_left int;
begin
    -- A row that proves too small once it is locked stays locked. Going on to wait while holding it would be a
    -- deadlock, so the attempt is a subtransaction: where it fails, it leaves no lock behind.
    begin
        select slot into strict v_slot
        from billig.ticket_group_slot
        where ticket_group = p_ticket_group and remaining >= p_count
        limit 1
        for no key update skip locked;
        update billig.ticket_group_slot
        set remaining = remaining - p_count
        where ticket_group = p_ticket_group and slot = v_slot;
        return;
    exception
        when no_data_found then null;
    end;

    -- A locked row is not a sold-out row: wait for all of them before refusing.
    v_left := billig.lock_capacity(array[p_ticket_group]);
    if v_left < p_count then
        raise exception 'sold out' using
            errcode = '23B01',
            detail = format('Ticket group %s: %s wanted, %s left.', p_ticket_group, p_count, v_left),
            hint = 'Choose fewer tickets or another ticket group.';
    end if;
    perform billig.spread_capacity(p_ticket_group, v_left - p_count);
end;
$$;

comment on function billig.take_capacity(int, int) is
'Takes p_count tickets of a group. 23B01: sold out. Buyers do not wait for each other while one row has enough left.';
