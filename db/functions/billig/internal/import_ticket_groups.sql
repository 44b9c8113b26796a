create or replace function billig.import_ticket_groups(
    p_items jsonb, p_defaults jsonb, out inserted bigint, out updated bigint, out unchanged bigint
)
language plpgsql
as $$
begin
    update billig.ticket_group as g
    set
        is_theater_ticket_group = (w.n).is_theater_ticket_group, ticket_limit = (w.n).ticket_limit, num = (w.n).num
    from (
        select x.ticket_group, x as o, jsonb_populate_record(x, i.item - 'ticket_group') as n
        from jsonb_to_recordset(p_items) as i (scope text, scope_key text[], item jsonb)
        inner join billig.event as e on i.scope_key[1] = e.programme_key
        inner join billig.ticket_group_base as x on e.event = x.event and i.scope_key[2] = x.ticket_group_name
        where i.scope = 'ticket_group'
    ) as w
    where g.ticket_group = w.ticket_group and w.o is distinct from w.n;
    get diagnostics updated = row_count;
    insert into billig.ticket_group (event, ticket_group_name, is_theater_ticket_group, ticket_limit, num)
    select e.event, i.scope_key[2], r.is_theater_ticket_group, r.ticket_limit, r.num
    from jsonb_to_recordset(p_items) as i (scope text, scope_key text[], line int, item jsonb)
    inner join billig.event as e on i.scope_key[1] = e.programme_key
    cross join jsonb_populate_record(null::billig.ticket_group_base, p_defaults || (i.item - 'ticket_group')) as r
    where
        i.scope = 'ticket_group'
        and not exists (
            select from billig.ticket_group_base as g
            where g.event = e.event and g.ticket_group_name = i.scope_key[2]
        )
    order by i.line;
    get diagnostics inserted = row_count;
    unchanged := (
        select count(*) from jsonb_to_recordset(p_items) as i (scope text) where i.scope = 'ticket_group'
    ) - updated - inserted;
end;
$$;

comment on function billig.import_ticket_groups(jsonb, jsonb) is
'The ticket groups of a programme that import_programme has checked: what differs is updated, what is new inserted; counts of each. p_items: as billig.programme_items, names of organisations and event types made numbers. p_defaults: what a column is where the rows do not say.';
