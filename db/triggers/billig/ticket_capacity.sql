-- Seats are counted here alone, whoever writes tickets; before the log, which refuses what would take one again.

create or replace function billig.ticket_capacity_insert()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    r record;
begin
    for r in
        select ticket_group, event, count(*)::int as tickets, min(ticket) as ticket
        from new_ticket
        where refunded is null
        group by ticket_group, event
        order by ticket_group
    loop
        perform billig.take_capacity(r.ticket_group, r.tickets);
        -- Asked when seats are taken: who cancels the event has all of them locked, so this sees it, or comes first.
        if billig.is_cancelled(r.event) then
            perform billig.refuse_change(r.ticket, -25::smallint);
        end if;
    end loop;
    return null;
end;
$$;

comment on function billig.ticket_capacity_insert() is
'Takes capacity for new tickets, whoever inserts them. 23B01: sold out; 23B34: a cancelled event has none to take.';

create or replace function billig.ticket_capacity_update()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    r record;
begin
    for r in
        select ticket_group, sum(live)::int as tickets
        from (
            select ticket_group, count(*) as live from old_ticket where refunded is null group by ticket_group
            union all
            select ticket_group, -count(*) from new_ticket where refunded is null group by ticket_group
        ) as change
        group by ticket_group
        having sum(live) > 0
        order by ticket_group
    loop
        perform billig.release_capacity(r.ticket_group, r.tickets);
    end loop;
    return null;
end;
$$;

comment on function billig.ticket_capacity_update() is
'Gives capacity back for tickets that were refunded, by whatever path. What would take it again is refused by ticket_log.';

create or replace trigger ticket_1_capacity_insert
after insert on billig.ticket
referencing new table as new_ticket
for each statement execute function billig.ticket_capacity_insert();
alter table billig.ticket enable always trigger ticket_1_capacity_insert;

create or replace trigger ticket_1_capacity_update
after update on billig.ticket
referencing old table as old_ticket new table as new_ticket
for each statement execute function billig.ticket_capacity_update();
alter table billig.ticket enable always trigger ticket_1_capacity_update;
