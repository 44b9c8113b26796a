create or replace function billig.record_event_change(p_event int, p_kind text, p_event_time timestamp, p_reason text, p_used_tickets text)
returns bigint
language plpgsql
as $$
declare
    v_change bigint;
    v_event billig.event;
begin
    perform books.check_text('p_reason', p_reason);
    if
        coalesce(p_reason, '') !~ '[^[:space:]]' or (p_kind = 'MOVED') <> (p_event_time is not null)
        or p_event_time not between '2000-01-01' and '2100-01-01'
    then
        raise exception 'an event is cancelled, or moved to a time, for a reason' using
            errcode = '22023',
            detail = format('%s, time %L, reason %L.', p_kind, p_event_time, p_reason),
            hint = 'Say in p_reason why; an event is moved to a time from 2000 to 2100.';
    end if;
    select * into v_event from billig.event where event = p_event for no key update;
    if v_event.event is null then
        raise exception 'no such event' using
            errcode = 'P0002',
            detail = format('Event %s.', coalesce(p_event::text, 'null')),
            hint = 'Events stand in billig.event.';
    end if;
    if v_event.event_time is null then
        raise exception 'the event has no time yet' using
            errcode = '22023',
            detail = format('Event %s.', p_event),
            hint = 'Give it its time in the programme.';
    end if;
    if
        (p_event_time is null or p_event_time = v_event.event_time)
        and billig.is_cancelled(p_event) = (p_kind = 'CANCELLED')
    then
        raise exception 'the event stands so already' using
            errcode = '23B52',
            detail = format('Event %s, %s, %s.', p_event, v_event.event_time,
                case p_kind when 'CANCELLED' then 'is cancelled' else 'is to be held then' end),
            hint = 'What happened to it is in billig.event_change.';
    end if;
    insert into billig.event_change (event, kind, time_before, time_after, reason, used_tickets)
    values (p_event, p_kind, v_event.event_time, p_event_time, p_reason, p_used_tickets)
    returning event_change into v_change;
    if p_event_time <> v_event.event_time then
        update billig.event set event_time = p_event_time where event = p_event;
    end if;
    return v_change;
end;
$$;

comment on function billig.record_event_change(int, text, timestamp, text, text) is
'Writes what happened to an event (billig.event_change), and moves it where it is MOVED; p_used_tickets: of a cancellation REFUND or KEEP, else null; vouchers follow from today on. A cancelled event that is moved, or told again for its own time, is to be held. Returns the change. 22023: no kind, no reason, a time that does not go with the kind, or an event that has no time yet; P0002: no such event; 23B52: it stands so already.';
