create or replace function billig.note_event_date()
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
    if tg_op = 'UPDATE' then
        -- A period that is being closed waits for this, or this for it; what closed meanwhile must be seen.
        perform billig.need_read_committed();
        lock table books.accounting_period in share mode;
    end if;
    insert into billig.event_date as d (event, known_on, event_date)
    values (
        new.event,
        case
            when tg_op = 'INSERT' or old.event_time is null then '0001-01-01'::date
            -- never within a closed period, whoever sold tickets for it: their vouchers stay as they are
            else greatest(billig.local_time(clock_timestamp())::date, books.first_open_day())
        end,
        new.event_time::date
    )
    on conflict (event, known_on) do update set event_date = excluded.event_date;
    return null;
end;
$$;

comment on function billig.note_event_date() is
'Notes the date of a new event, and of one that is moved, from today on: what vouchers go by. 23B20: a day that was known is taken away.';

create or replace trigger event_date_insert
after insert on billig.event
for each row when (new.event_time is not null)
execute function billig.note_event_date();
alter table billig.event enable always trigger event_date_insert;

create or replace trigger event_date_update
after update on billig.event
for each row when (old.event_time::date is distinct from new.event_time::date)
execute function billig.note_event_date();
alter table billig.event enable always trigger event_date_update;
