-- How many tickets of a price group one buyer holds, whoever writes them: after capacity, whose rows are taken first.

create or replace function billig.ticket_limit_insert()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_buyers text[];
    v_price_groups int[];
    v_asked int[];
begin
    select array_agg(w.buyer), array_agg(w.price_group), array_agg(w.tickets)
    into v_buyers, v_price_groups, v_asked
    from (
        select p.buyer, n.price_group, count(*)::int as tickets
        from new_ticket as n
        inner join billig.purchase as p on n.purchase = p.purchase
        where p.buyer is not null
        group by p.buyer, n.price_group
    ) as w;
    if v_buyers is not null then
        perform billig.check_buyers(v_buyers, v_price_groups, v_asked);
    end if;
    return null;
end;
$$;

comment on function billig.ticket_limit_insert() is
'Holds a named buyer to ticket_limit, over all their live tickets of the price group, whoever inserts more. 23B05.';

create or replace function billig.ticket_limit_update()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_buyers text[];
    v_price_groups int[];
    v_asked int[];
begin
    select array_agg(w.buyer), array_agg(w.price_group), array_agg(w.tickets)
    into v_buyers, v_price_groups, v_asked
    from (
        select p.buyer, g.price_group, sum(g.tickets)::int as tickets
        from (
            select c.purchase, c.price_group, sum(c.live) as tickets
            from (
                select purchase, price_group, 1 as live from new_ticket where refunded is null
                union all
                select purchase, price_group, -1 from old_ticket where refunded is null
            ) as c
            group by c.purchase, c.price_group
            having sum(c.live) > 0
        ) as g
        inner join billig.purchase as p on g.purchase = p.purchase
        where p.buyer is not null
        group by p.buyer, g.price_group
    ) as w;
    if v_buyers is not null then
        perform billig.check_buyers(v_buyers, v_price_groups, v_asked);
    end if;
    return null;
end;
$$;

comment on function billig.ticket_limit_update() is
'Holds a named buyer to ticket_limit where live tickets of theirs change price group. 23B05.';

create or replace function billig.buyer_limit_change()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_price_groups int[];
    v_asked int[];
begin
    select array_agg(w.price_group), array_agg(w.tickets)
    into v_price_groups, v_asked
    from (
        select t.price_group, count(*)::int as tickets
        from billig.ticket as t
        where t.purchase = new.purchase and t.refunded is null
        group by t.price_group
    ) as w;
    if v_price_groups is not null then
        perform billig.check_buyers(array_fill(new.buyer, array[cardinality(v_asked)]), v_price_groups, v_asked);
    end if;
    return null;
end;
$$;

comment on function billig.buyer_limit_change() is
'Holds the new buyer to ticket_limit where a purchase changes hands. 23B05.';

create or replace trigger ticket_1_limit_insert
after insert on billig.ticket
referencing new table as new_ticket
for each statement execute function billig.ticket_limit_insert();
alter table billig.ticket enable always trigger ticket_1_limit_insert;

create or replace trigger ticket_1_limit_update
after update on billig.ticket
referencing old table as old_ticket new table as new_ticket
for each statement execute function billig.ticket_limit_update();
alter table billig.ticket enable always trigger ticket_1_limit_update;

create or replace trigger buyer_limit_change
after update on billig.purchase
for each row when (old.buyer is distinct from new.buyer and new.buyer is not null)
execute function billig.buyer_limit_change();
alter table billig.purchase enable always trigger buyer_limit_change;
