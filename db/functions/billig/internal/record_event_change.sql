create or replace function billig.record_event_change(p_event int, p_kind text, p_event_time timestamp, p_reason text, p_used_tickets text)
returns bigint
language plpgsql
as $$
declare
    v_change bigint;
    v_event billig.event;
    v_hidden boolean;
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
    -- Sites that read the tables sell nothing of a cancelled event; held again, it is what it was.
    v_hidden := case
        when p_kind = 'CANCELLED' then true
        when billig.is_cancelled(p_event) then (
            select c.hidden_before from billig.event_change as c where c.event = p_event order by c.event_change desc limit 1
        )
    end;
    insert into billig.event_change (event, kind, time_before, time_after, reason, used_tickets, hidden_before)
    values (
        p_event, p_kind, v_event.event_time, p_event_time, p_reason, p_used_tickets,
        case when p_kind = 'CANCELLED' then v_event.hidden end
    )
    returning event_change into v_change;
    update billig.event as e
    set event_time = coalesce(p_event_time, e.event_time), hidden = coalesce(v_hidden, e.hidden)
    where e.event = p_event and (p_event_time <> e.event_time or v_hidden <> e.hidden);
    return v_change;
end;
$$;

comment on function billig.record_event_change(int, text, timestamp, text, text) is
'Writes what happened to an event (billig.event_change), and moves it where it is MOVED; one that is CANCELLED is hidden, and what it was comes back with it; p_used_tickets: of a cancellation REFUND or KEEP, else null; vouchers follow from today on. A cancelled event that is moved, or told again for its own time, is to be held. Returns the change. 22023: no kind, no reason, a time that does not go with the kind, or an event that has no time yet; P0002: no such event; 23B52: it stands so already.';
