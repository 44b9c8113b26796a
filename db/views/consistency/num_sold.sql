create or replace view consistency.num_sold as
select
    g.ticket_group,
    g.num_sold,
    coalesce(t.live, 0) as live_tickets
from billig.ticket_group as g
left join (
    select ticket_group, count(*) as live
    from billig.ticket
    where refunded is null
    group by ticket_group
) as t on g.ticket_group = t.ticket_group
where g.num_sold <> coalesce(t.live, 0);

comment on view consistency.num_sold is
'num_sold of a ticket group equals its live tickets (not refunded). A row means that tickets or capacity were changed with the triggers off.';
