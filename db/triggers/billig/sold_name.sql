-- What tickets are sold under: a row of billig.sold_name whenever an event, a ticket group or a price group is named.
create or replace function billig.note_names()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_named constant jsonb := to_jsonb(new); -- an event, or what is of one
    v_event constant int := coalesce(
        (v_named ->> 'event')::int,
        (select g.event from billig.ticket_group_base as g where g.ticket_group = (v_named ->> 'ticket_group')::int)
    );
begin
    -- One after the other, within an event: who waits here reads, after it, what was named meanwhile.
    perform from billig.event where event = v_event for no key update;
    insert into billig.sold_name (price_group, event_name, ticket_group_name, price_group_name)
    select p.price_group, e.event_name, g.ticket_group_name, p.price_group_name
    from billig.event as e
    inner join billig.ticket_group_base as g on e.event = g.event
    inner join billig.price_group as p on g.ticket_group = p.ticket_group
    left join lateral (
        select n.event_name, n.ticket_group_name, n.price_group_name
        from billig.sold_name as n
        where n.price_group = p.price_group
        order by n.sold_name desc
        limit 1
    ) as newest on true
    where
        e.event = v_event
        and (newest.event_name, newest.ticket_group_name, newest.price_group_name)
        is distinct from (e.event_name, g.ticket_group_name, p.price_group_name)
    order by p.price_group;
    return null;
end;
$$;

comment on function billig.note_names() is
'Notes what the price groups of an event are called, when they are made or one of their three names changes: what tickets are sold under from then on.';

create or replace trigger sold_name_update
after update on billig.event
for each row when (old.event_name is distinct from new.event_name)
execute function billig.note_names();
alter table billig.event enable always trigger sold_name_update;

create or replace trigger sold_name_update
after update on billig.ticket_group_base
for each row when (old.ticket_group_name is distinct from new.ticket_group_name)
execute function billig.note_names();
alter table billig.ticket_group_base enable always trigger sold_name_update;

create or replace trigger sold_name_insert
after insert on billig.price_group
for each row execute function billig.note_names();
alter table billig.price_group enable always trigger sold_name_insert;

create or replace trigger sold_name_update
after update on billig.price_group
for each row when (
    old.price_group_name is distinct from new.price_group_name or old.ticket_group is distinct from new.ticket_group
)
execute function billig.note_names();
alter table billig.price_group enable always trigger sold_name_update;

-- A price group that was never sold may go, and its names with it: so DELETE is not refused here.
create or replace trigger sold_name_keep
before update or truncate on billig.sold_name
for each statement execute function billig.payment_keep();
alter table billig.sold_name enable always trigger sold_name_keep;
