create or replace function billig.cancel_event(p_event int, p_reason text, p_used_tickets text default 'REFUND')
returns table (event_change bigint, purchases bigint, tickets bigint)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_change bigint;
    v_groups int[];
begin
    perform books.check_text('p_reason', p_reason, 'p_used_tickets', p_used_tickets);
    perform billig.check_used_tickets(p_used_tickets);
    -- Whoever is just selling to it is waited for; who comes after that finds it cancelled, and with an older snapshot fails
    -- (40001), since the rows are written.
    perform from billig.event as e where e.event = p_event for no key update;
    v_groups := array(select g.ticket_group from billig.ticket_group_base as g where g.event = p_event);
    perform billig.lock_capacity(v_groups);
    update billig.ticket_group_slot as s set remaining = s.remaining where s.ticket_group = any (v_groups);
    v_change := billig.record_event_change(p_event, 'CANCELLED', null, p_reason, p_used_tickets);
    insert into billig.cancelled_purchase (event_change, purchase)
    select distinct v_change, t.purchase
    from billig.ticket as t
    where t.event = p_event and t.refunded is null;
    return query
    select v_change, count(distinct t.purchase), count(*)
    from billig.ticket as t
    where t.event = p_event and t.refunded is null;
end;
$$;

comment on function billig.cancel_event(int, text, text) is
'Cancels an event: from then on nothing is sold, reserved, paid or exchanged into it (23B34), and what is prepaid does not become revenue; it is hidden, so that sites that read the tables do not list it. What was sold is then given back by billig.refund_cancelled, call by call. p_used_tickets: REFUND, tickets that were ever used are paid back as all others; KEEP, they are not. billig.preview_cancel says first what there is. Returns the row of billig.event_change, and how many purchases and tickets are to be seen to. billig.move_event takes it back: what is not given back by then stays sold, and it is hidden or not as before. 22023 no reason, or an event that has no time yet; 25000 not at read committed; 55P03 somebody has been selling to it for longer than lock_timeout: try again; P0002 no such event; 23B52 it is cancelled already.';
