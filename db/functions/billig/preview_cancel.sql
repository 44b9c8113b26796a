create or replace function billig.preview_cancel(p_event int, p_used_tickets text default 'REFUND')
returns table (item text, payment_method text, purchases bigint, tickets bigint, amount numeric, is_in_the_way boolean, note text)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_event billig.event;
    v_closed constant date := books.first_open_day() - 1;
    v_change billig.event_change;
    v_used_tickets text := p_used_tickets;
begin
    perform books.check_text('p_used_tickets', p_used_tickets);
    perform billig.check_used_tickets(p_used_tickets);
    select e.* into v_event from billig.event as e where e.event = p_event;
    if v_event.event is null then
        raise exception 'no such event' using
            errcode = 'P0002',
            detail = format('Event %s.', coalesce(p_event::text, 'null')),
            hint = 'Events stand in billig.event.';
    end if;
    if billig.is_cancelled(p_event) then
        v_change := billig.cancellation_of(p_event);
        v_used_tickets := v_change.used_tickets;
    end if;
    return query
    with way as materialized (
        select w.*
        from billig.way_back(
            array(select t.ticket from billig.ticket as t where t.event = p_event and t.refunded is null),
            v_used_tickets
        ) as w
    ),

    item as (
        select 'PROVIDER' as item, 1 as place, false as is_in_the_way,
            'goes back by the payment provider, under the reference that took it' as note
        union all
        select 'STAND', 2, false, 'becomes owed back, and is paid in a till session of a stand'
        union all
        select 'LET_GO', 3, true, 'not paid: let go; what is being paid on the web just now is owed back when it comes'
        union all
        select 'KEPT', 4, true, 'used, and kept'
        union all
        select 'DISPUTED', 5, true, 'the buyer has gone to their bank: left until the dispute is over'
        union all
        select 'NOTHING', 6, false, 'free tickets of a stand: left as they are'
    )

    select r.item, r.payment_method, r.purchases, r.tickets, r.amount, r.is_in_the_way, r.note
    from (
        select
            i.item, m.payment_method_name::text as payment_method, count(distinct w.purchase) as purchases,
            count(distinct w.ticket) as tickets, sum(w.amount) as amount, i.is_in_the_way, i.note, i.place
        from way as w
        inner join item as i on w.road = i.item
        left join billig.payment_method as m on w.payment_method = m.payment_method
        group by i.item, i.place, i.is_in_the_way, i.note, m.payment_method, m.payment_method_name
        union all
        select 'USED', null, count(distinct w.purchase), count(distinct w.ticket), sum(w.amount), true,
            'were used, and go back as others do: KEEP would leave them', 7
        from way as w
        where w.is_used and w.road <> 'KEPT'
        having count(*) > 0
        union all
        select 'CANCELLED', null, count(*), 0, 0::numeric, true,
            'is cancelled already: so many purchases are left to see to', 8
        from billig.cancelled_purchase as c
        where c.event_change = v_change.event_change and c.done_at is null
        having v_change.event_change is not null
        union all
        select 'REFUSED', null, count(*), 0, 0::numeric, true,
            format('could not be given back, purchase %s for one: %s', min(c.purchase), c.refusal), 8
        from billig.cancelled_purchase as c
        where c.event_change = v_change.event_change and c.done_at is null and c.refused_at is not null
        group by c.refusal
        union all
        select 'HELD', null, 0, 0, 0::numeric, true, case
            when v_event.event_time is null then 'has no time yet: give it one first'
            when v_event.event_time::date <= v_closed
                then format('was held in a period that is closed (to %s): revenue and VAT are taken back today', v_closed)
            else 'has begun: revenue and VAT of its day are taken back today'
        end, 9
        where v_event.event_time is null or v_event.event_time <= billig.local_time()
    ) as r
    order by r.place, r.payment_method;
end;
$$;

comment on function billig.preview_cancel(int, text) is
'What cancelling an event would come to, and changes nothing: a row for each road that money goes back by and each method it came by (item PROVIDER, STAND, LET_GO, KEPT, DISPUTED, NOTHING, as billig.way_back says), with purchases, tickets and NOK that is left of them, including fees; a ticket whose money came by several methods is in several rows. is_in_the_way: somebody should look at it first; also USED (tickets that were used and are in the rows above), HELD (the event has begun, or has no time yet) and CANCELLED (it is cancelled already: what is left) and REFUSED (of those, what was tried and refused, and why). Of a cancelled event with what was said of used tickets then. 22023; P0002 no such event. May be null: payment_method.';
