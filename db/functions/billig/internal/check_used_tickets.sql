create or replace function billig.check_used_tickets(p_used_tickets text)
returns void
language plpgsql immutable
as $$
begin
    if p_used_tickets is null or p_used_tickets not in ('REFUND', 'KEEP') then
        raise exception 'used tickets are refunded or kept' using
            errcode = '22023',
            detail = format('p_used_tickets is %L.', p_used_tickets),
            hint = 'Pass REFUND or KEEP.';
    end if;
end;
$$;

comment on function billig.check_used_tickets(text) is
'Refuses (22023) what is neither REFUND nor KEEP. May be null: p_used_tickets.';
