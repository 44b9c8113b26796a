create or replace view billig.ticket_group as
select
    b.ticket_group,
    b.event,
    b.ticket_group_name,
    b.is_theater_ticket_group,
    b.ticket_limit,
    b.num,
    b.num - (
        select coalesce(sum(s.remaining), 0)::int
        from billig.ticket_group_slot as s
        where s.ticket_group = b.ticket_group
    ) as num_sold
from billig.ticket_group_base as b;

alter view billig.ticket_group alter column ticket_group
set default nextval('billig.ticket_group_base_ticket_group_seq');

comment on view billig.ticket_group is
'Ticket groups as legacy clients read and write them. num: capacity; num_sold: live tickets, kept by the database: a client''s own write to num_sold succeeds and changes nothing.';
