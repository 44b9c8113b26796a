create or replace view consistency.oversold as
select
    b.ticket_group,
    b.num,
    count(*) as live_tickets
from billig.ticket_group_base as b
inner join billig.ticket as t on b.ticket_group = t.ticket_group
where t.refunded is null
group by b.ticket_group, b.num
having count(*) > b.num;

comment on view consistency.oversold is 'No ticket group has more live tickets than capacity.';
