create or replace view consistency.overlong_unpaid as
select
    ticket,
    purchase,
    sale_channel,
    taken_at,
    held_until
from billig.unpaid_ticket
where held_until < now() - interval '15 minutes';

comment on view consistency.overlong_unpaid is
'No overlong unpaid sale: unpaid web tickets and reservations are released within 15 minutes of their time. A row means that the scheduler does not run expire_net_sales or expire_reservations.';
