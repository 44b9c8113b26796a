create or replace view consistency.sold_name as
select
    p.price_group,
    concat_ws(', ', e.event_name, g.ticket_group_name, p.price_group_name) as programme_names,
    concat_ws(', ', n.event_name, n.ticket_group_name, n.price_group_name) as recorded_names
from billig.price_group as p
inner join billig.ticket_group_base as g on p.ticket_group = g.ticket_group
inner join billig.event as e on g.event = e.event
left join lateral (
    select r.event_name, r.ticket_group_name, r.price_group_name
    from billig.sold_name as r
    where r.price_group = p.price_group
    order by r.sold_name desc
    limit 1
) as n on true
where
    (e.event_name, g.ticket_group_name, p.price_group_name)
    is distinct from (n.event_name, n.ticket_group_name, n.price_group_name);

comment on view consistency.sold_name is
'The names that tickets are sold under (billig.sold_name) are the programme''s. A row means that something was renamed with the triggers off.';
