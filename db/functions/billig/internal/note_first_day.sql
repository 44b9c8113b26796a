create or replace function billig.note_first_day(p_event billig.event)
returns void
language sql
begin atomic
    insert into billig.event_date (event, known_on, event_date, event_type)
    values (
        p_event.event, '0001-01-01', p_event.event_time::date,
        (select t.event_type from billig.event_type as t where t.event_type_name = p_event.event_type)
    );
end;

comment on function billig.note_first_day(billig.event) is
'Notes the date and type of an event as it was first planned, in the programme or once it had a time.';
