create or replace function billig.import_price_groups(
    p_items jsonb, p_defaults jsonb, out inserted bigint, out updated bigint, out unchanged bigint
)
language plpgsql
as $$
begin
    update billig.price_group as p
    set
        price = (w.n).price, can_be_put_on_card = (w.n).can_be_put_on_card,
        membership_needed = (w.n).membership_needed, netsale = (w.n).netsale
    from (
        select jsonb_populate_record(x, i.item - 'price_group') as n
        from jsonb_to_recordset(p_items) as i (scope text, scope_key text[], item jsonb)
        inner join billig.event as e on i.scope_key[1] = e.programme_key
        inner join billig.ticket_group_base as g on e.event = g.event and i.scope_key[2] = g.ticket_group_name
        inner join billig.price_group as x on g.ticket_group = x.ticket_group and i.scope_key[3] = x.price_group_name
        where i.scope = 'price_group'
    ) as w
    where p.price_group = (w.n).price_group and p is distinct from w.n;
    get diagnostics updated = row_count;
    insert into billig.price_group (
        ticket_group, price_group_name, price, can_be_put_on_card, membership_needed, netsale
    )
    select
        g.ticket_group, i.scope_key[3], r.price, r.can_be_put_on_card, r.membership_needed, r.netsale
    from jsonb_to_recordset(p_items) as i (scope text, scope_key text[], line int, item jsonb)
    inner join billig.event as e on i.scope_key[1] = e.programme_key
    inner join billig.ticket_group_base as g on e.event = g.event and i.scope_key[2] = g.ticket_group_name
    cross join jsonb_populate_record(null::billig.price_group, p_defaults || (i.item - 'price_group')) as r
    where
        i.scope = 'price_group'
        and not exists (
            select from billig.price_group as p
            where p.ticket_group = g.ticket_group and p.price_group_name = i.scope_key[3]
        )
    order by i.line;
    get diagnostics inserted = row_count;
    unchanged := (
        select count(*) from jsonb_to_recordset(p_items) as i (scope text) where i.scope = 'price_group'
    ) - updated - inserted;
end;
$$;

comment on function billig.import_price_groups(jsonb, jsonb) is
'The price groups of a programme that import_programme has checked: what differs is updated, what is new inserted; counts of each. p_items: as billig.programme_items, names of organisations and event types made numbers. p_defaults: what a column is where the rows do not say.';
