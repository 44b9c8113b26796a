-- How events stand, day by day: what vouchers and VAT terms go by; and what happened to them.
create or replace function billig.note_new_event()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    perform billig.note_first_day(new);
    return null;
end;
$$;

comment on function billig.note_new_event() is
'Notes the date and type of a new event, as it was first planned.';

create or replace function billig.note_changed_event()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    if new.event_time is null then
        raise exception 'an event keeps a day' using
            errcode = '23B20',
            detail = format('Event %s, %s.', new.event, old.event_time),
            hint = 'Move it to another day.';
    end if;
    if old.event_time is null then
        perform billig.note_first_day(new);
        return null;
    end if;
    -- Told already by billig.move_event, with its reason; else nobody said why.
    if new.event_time <> old.event_time and not coalesce((
        select c.xact_id = pg_current_xact_id() and c.time_after = new.event_time
        from billig.event_change as c
        where c.event = new.event
        order by c.event_change desc
        limit 1
    ), false) then
        -- A date alone does not say that it is to be held, and its money must not become revenue by one.
        if billig.is_cancelled(new.event) then
            raise exception 'the event is cancelled: its time stays' using
                errcode = '23B34',
                detail = format('Event %s, %s; the new time is %s.', new.event, old.event_time, new.event_time),
                hint = format('If it is to be held: select * from billig.move_event(%s, %L, ''why'')', new.event, new.event_time);
        end if;
        insert into billig.event_change (event, kind, time_before, time_after)
        values (new.event, 'MOVED', old.event_time, new.event_time);
    end if;
    perform billig.note_event(new.event);
    return null;
end;
$$;

comment on function billig.note_changed_event() is
'Notes what happened to an event whose time or type was changed, whoever changed it, and how it stands from today on; of one that had no time yet, its first. 23B20: a day that was known is taken away; 23B34: the event is cancelled, and only billig.move_event takes that back.';

create or replace trigger event_date_insert
after insert on billig.event
for each row when (new.event_time is not null)
execute function billig.note_new_event();
alter table billig.event enable always trigger event_date_insert;

create or replace trigger event_date_update
after update on billig.event
for each row when (
    (old.event_time is not null or new.event_time is not null)
    and (old.event_time is distinct from new.event_time or old.event_type is distinct from new.event_type)
)
execute function billig.note_changed_event();
alter table billig.event enable always trigger event_date_update;

create or replace function billig.hide_cancelled_event()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    new.hidden := billig.is_cancelled(new.event);
    return new;
end;
$$;

comment on function billig.hide_cancelled_event() is
'A cancelled event stays hidden, whoever writes its row: a site that lists it would sell what nobody may. billig.move_event takes that back with the cancellation.';

create or replace trigger event_hidden
before update on billig.event
for each row when (not new.hidden)
execute function billig.hide_cancelled_event();
alter table billig.event enable always trigger event_hidden;
