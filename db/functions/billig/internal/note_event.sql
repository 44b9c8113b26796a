create or replace function billig.note_event(p_event int)
returns void
language plpgsql
as $$
begin
    -- A period that is being closed waits for this, or this for it; what closed meanwhile must be seen.
    perform billig.need_read_committed();
    lock table books.accounting_period in share mode;
    insert into billig.event_date as d (event, known_on, event_date, event_type, is_cancelled)
    select
        e.event,
        -- never within a closed period, whoever sold tickets for it: their vouchers stay as they are
        greatest(billig.local_time(clock_timestamp())::date, books.first_open_day()),
        e.event_time::date,
        (select t.event_type from billig.event_type as t where t.event_type_name = e.event_type),
        billig.is_cancelled(e.event)
    from billig.event as e
    where e.event = p_event
    on conflict (event, known_on) do update
    set event_date = excluded.event_date, event_type = excluded.event_type, is_cancelled = excluded.is_cancelled;
end;
$$;

comment on function billig.note_event(int) is
'Notes how an event stands (date, type, whether it is cancelled) from today on: what vouchers go by.';
