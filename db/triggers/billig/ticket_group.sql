create or replace function billig.ticket_group_write()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_left int;
    v_size int;
begin
    if tg_op = 'INSERT' then
        insert into billig.ticket_group_base
            (ticket_group, event, ticket_group_name, is_theater_ticket_group, ticket_limit, num)
        values (
            coalesce(new.ticket_group, nextval('billig.ticket_group_base_ticket_group_seq')), new.event,
            new.ticket_group_name, coalesce(new.is_theater_ticket_group, false), new.ticket_limit, new.num
        )
        returning ticket_group into new.ticket_group;
        insert into billig.ticket_group_slot (ticket_group, slot, remaining)
        select new.ticket_group, s, 0
        from generate_series(1, least(32, greatest(1, new.num / 25))) as s;
        perform billig.spread_capacity(new.ticket_group, new.num);
        new.num_sold := 0;
        return new;
    end if;

    if tg_op = 'DELETE' then
        delete from billig.ticket_group_slot where ticket_group = old.ticket_group;
        delete from billig.ticket_group_base where ticket_group = old.ticket_group;
        return old;
    end if;

    if new.ticket_group <> old.ticket_group or new.event <> old.event then
        raise exception 'a ticket group keeps its key and its event' using
            errcode = '23B20',
            detail = format('Ticket group %s of event %s.', old.ticket_group, old.event),
            hint = 'Make a new ticket group.';
    end if;
    if new.num <> old.num then
        v_left := billig.lock_capacity(array[old.ticket_group]);
        select num into v_size from billig.ticket_group_base where ticket_group = old.ticket_group;
        if v_left + new.num - v_size < 0 then
            raise exception 'more tickets are sold than the new capacity' using
                errcode = '23B15',
                detail = format('Ticket group %s: %s sold, capacity %s asked for.',
                    old.ticket_group, v_size - v_left, new.num),
                hint = 'Refund tickets first, or choose a larger num.';
        end if;
        perform billig.spread_capacity(old.ticket_group, v_left + new.num - v_size);
    end if;
    -- old is as the statement's snapshot saw it: what the client left alone may be newer by now, num above all.
    if (new.ticket_group_name, new.is_theater_ticket_group, new.ticket_limit, new.num) is distinct from
        (old.ticket_group_name, old.is_theater_ticket_group, old.ticket_limit, old.num)
    then
        update billig.ticket_group_base as b
        set
            ticket_group_name = case
                when new.ticket_group_name = old.ticket_group_name then b.ticket_group_name
                else new.ticket_group_name
            end,
            is_theater_ticket_group = case
                when new.is_theater_ticket_group = old.is_theater_ticket_group then b.is_theater_ticket_group
                else new.is_theater_ticket_group
            end,
            ticket_limit = case
                when new.ticket_limit is not distinct from old.ticket_limit then b.ticket_limit
                else new.ticket_limit
            end,
            num = case when new.num = old.num then b.num else new.num end
        where b.ticket_group = old.ticket_group;
    end if;
    return new;
end;
$$;

comment on function billig.ticket_group_write() is
'Writes through view ticket_group: num changes what is left (23B15 where more are sold), num_sold is ignored, key and event stay (23B20).';

create or replace function billig.ticket_group_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    if
        (old.ticket_group, old.event, old.ticket_group_name, old.is_theater_ticket_group, old.ticket_limit, old.num)
        is distinct from
        (new.ticket_group, new.event, new.ticket_group_name, new.is_theater_ticket_group, new.ticket_limit, new.num)
        and not has_table_privilege('billig.ticket_group_base', 'update')
    then
        raise exception 'only num_sold of a ticket group is written by clients' using
            errcode = '42501',
            detail = format('Ticket group %s would be %s.', old.ticket_group, to_jsonb(new)),
            hint = 'Leave the rest as it was read. The programme is imported: billig.import_programme.';
    end if;
    return new;
end;
$$;

comment on function billig.ticket_group_keep() is
'Refuses (42501), by value, what a client that saves whole rows would change of a ticket group, num_sold apart.';

create or replace trigger ticket_group_keep
instead of update on billig.ticket_group
for each row execute function billig.ticket_group_keep();

create or replace trigger ticket_group_write
instead of insert or update or delete on billig.ticket_group
for each row execute function billig.ticket_group_write();
