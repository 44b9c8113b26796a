create or replace function billig.move_event(
    p_event int, p_event_time timestamp, p_reason text, p_event_location text default null,
    p_sale_from timestamp default null, p_sale_to timestamp default null, p_past boolean default false
)
returns table (event_change bigint, tickets bigint, vat_tickets bigint)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_change bigint;
begin
    perform books.check_text('p_reason', p_reason, 'p_event_location', p_event_location);
    perform books.check_moment('p_sale_from', p_sale_from);
    perform books.check_moment('p_sale_to', p_sale_to);
    if p_event_time < billig.local_time() and p_past is not true then
        raise exception 'the new time is past' using
            errcode = '23B33',
            detail = format('Event %s would be moved to %s; it is %s.', p_event, p_event_time, date_trunc('minute', billig.local_time())),
            hint = format(
                'Revenue and VAT of what is prepaid would be of that day. If it is meant: select * from billig.move_event(%s, %L, %L, p_past => true)',
                p_event, p_event_time, p_reason
            );
    end if;
    v_change := billig.record_event_change(p_event, 'MOVED', p_event_time, p_reason, null);
    if exists (
        select from billig.event as e
        where e.event = p_event and coalesce(p_sale_from, e.sale_from) >= coalesce(p_sale_to, e.sale_to)
    ) then
        raise exception 'a sale ends after it begins' using
            errcode = '22023',
            detail = format('Sale from %s to %s.', coalesce(p_sale_from::text, 'what it was'), coalesce(p_sale_to::text, 'what it was')),
            hint = 'Pass p_sale_from and p_sale_to, the earlier first.';
    end if;
    update billig.event as e
    set
        event_location = coalesce(p_event_location, e.event_location), sale_from = coalesce(p_sale_from, e.sale_from),
        sale_to = coalesce(p_sale_to, e.sale_to)
    where e.event = p_event and num_nonnulls(p_event_location, p_sale_from, p_sale_to) > 0;
    return query
    select
        v_change,
        (select count(*) from billig.ticket as t where t.event = p_event and t.refunded is null),
        (select coalesce(sum(c.tickets), 0)::bigint from billig.change_vat(p_event) as c);
end;
$$;

comment on function billig.move_event(int, timestamp, text, text, timestamp, timestamp, boolean) is
'Moves an event to another time (local), and to another place and sale period where those are given. What is prepaid becomes revenue on its new day, and tickets take the VAT rate of that day (VAT_CHANGE). Tickets stay good: who will not come is refunded by billig.refund. A cancelled event that is moved, be it to its own time, is to be held, and is sold again: what was given back stays given back, the rest stays sold. Returns the row of billig.event_change, how many live tickets it has, and how many of them changed VAT rate. 22023 no reason, a time outside 2000 to 2100, or a sale that ends before it begins; 25000 not at read committed; P0002 no such event; 23B33 the time is past, and p_past does not say so; 23B52 it is to be held then. What is null of place and sale stays as it is. p_past: the time may be past, for what was held already. May be null: p_event_location, p_sale_from, p_sale_to.';
