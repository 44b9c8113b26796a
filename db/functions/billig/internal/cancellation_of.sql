create or replace function billig.cancellation_of(p_event int)
returns billig.event_change
language plpgsql stable
as $$
declare
    v_change billig.event_change;
begin
    select c.* into v_change
    from billig.event_change as c
    where c.event = p_event
    order by c.event_change desc
    limit 1;
    if v_change.kind = 'CANCELLED' then
        return v_change;
    elsif not exists (select from billig.event as e where e.event = p_event) then
        raise exception 'no such event' using
            errcode = 'P0002',
            detail = format('Event %s.', coalesce(p_event::text, 'null')),
            hint = 'Events stand in billig.event.';
    end if;
    raise exception 'the event is not cancelled' using
        errcode = '23B35',
        detail = format('Event %s.', p_event),
        hint = 'billig.cancel_event cancels it; tickets of others are refunded by billig.refund.';
end;
$$;

comment on function billig.cancellation_of(int) is
'The cancellation by which an event stands as cancelled. P0002 no such event; 23B35 it is not cancelled.';
