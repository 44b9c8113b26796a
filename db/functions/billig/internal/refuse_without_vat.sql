create or replace function billig.refuse_without_vat(p_event int)
returns void
language plpgsql
as $$
begin
    if (select e.event_time is null from billig.event as e where e.event = p_event) then
        raise exception 'the event has no day yet' using
            errcode = '23B16',
            detail = format('Event %s.', p_event),
            hint = 'Give it its event_time: the VAT rate is that day''s.';
    end if;
    raise exception 'the event has no VAT code with a rate today' using
        errcode = '23B16',
        detail = format('Event %s.', p_event),
        hint = 'Give the event a project or a VAT code of its own.';
end;
$$;

comment on function billig.refuse_without_vat(int) is 'Raises 23B16: nothing is sold without a VAT code, nor to an event without a day, whose rate is not known.';
