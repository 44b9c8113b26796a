create or replace function billig.change_vat(p_event int default null)
returns table (
    event int, vat_code smallint, old_vat_rate numeric, vat_rate numeric, fee_vat_code smallint, old_fee_vat_rate numeric,
    fee_vat_rate numeric, tickets bigint
)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
begin
    -- In key order, as whoever refunds or exchanges several locks them.
    perform
    from billig.vat_due as d
    inner join billig.ticket as t on d.ticket = t.ticket
    where p_event is null or d.event = p_event
    order by t.ticket
    for no key update of t;
    return query
    with due as materialized (
        select d.* from billig.vat_due as d where p_event is null or d.event = p_event
    ),

    changed as (
        update billig.ticket as t
        set vat_rate = d.vat_rate, fee_vat_rate = d.fee_vat_rate
        from due as d
        where t.ticket = d.ticket
        returning d.event, d.vat_code, d.old_vat_rate, d.vat_rate, d.fee_vat_code, d.old_fee_vat_rate, d.fee_vat_rate
    )

    select
        c.event, c.vat_code, c.old_vat_rate, c.vat_rate, c.fee_vat_code, c.old_fee_vat_rate, c.fee_vat_rate, count(*)
    from changed as c
    group by 1, 2, 3, 4, 5, 6, 7
    order by 1, 2, 3, 5, 6;
end;
$$;

comment on function billig.change_vat(int) is
'Takes tickets of events to come to the VAT rate of the day of delivery, as it is known now: where a rate was entered, or an event moved, after they were sold. Logged as VAT_CHANGE: what lies in a ticket out under the old rate, in under the new; no money moves. p_event: of this one alone. Run by the job vat_change, and for its event by billig.move_event. Returns how many, by event, codes and rates (per cent). May be null: p_event.';
