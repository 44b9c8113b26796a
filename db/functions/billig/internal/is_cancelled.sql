create or replace function billig.is_cancelled(p_event int)
returns boolean
language sql stable
return coalesce((
    select c.kind = 'CANCELLED'
    from billig.event_change as c
    where c.event = p_event
    order by c.event_change desc
    limit 1
), false);

comment on function billig.is_cancelled(int) is
'Whether an event stands as cancelled: what happened to it last (billig.event_change). Nothing is sold or paid of such a one.';
