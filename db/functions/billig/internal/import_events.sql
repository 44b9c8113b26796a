create or replace function billig.import_events(
    p_items jsonb, p_defaults jsonb, out inserted bigint, out updated bigint, out unchanged bigint
)
language plpgsql
as $$
begin
    update billig.event as e
    set
        event_name = (w.n).event_name, event_location = (w.n).event_location, event_note = (w.n).event_note,
        event_time = (w.n).event_time, event_type = (w.n).event_type, organisation = (w.n).organisation,
        ticket_fee = (w.n).ticket_fee, sale_from = (w.n).sale_from, sale_to = (w.n).sale_to, hidden = (w.n).hidden,
        project = (w.n).project, vat_code = (w.n).vat_code, ticket_fee_vat_code = (w.n).ticket_fee_vat_code,
        ticket_fee_vat_source = (w.n).ticket_fee_vat_source
    from (
        select jsonb_populate_record(x, i.item - 'external_id' - case when billig.is_cancelled(x.event) then 'hidden' else '' end) as n
        from jsonb_to_recordset(p_items) as i (scope text, scope_key text[], item jsonb)
        inner join billig.event as x on i.scope_key[1] = x.programme_key
        where i.scope = 'event'
    ) as w
    where e.event = (w.n).event and e is distinct from w.n;
    get diagnostics updated = row_count;
    insert into billig.event (
        event_name, event_location, event_note, event_time, event_type, external_id, programme_id, organisation, ticket_fee,
        sale_from, sale_to, hidden, project, vat_code, ticket_fee_vat_code, ticket_fee_vat_source
    )
    select
        r.event_name, r.event_location, r.event_note, r.event_time, r.event_type,
        case when k.is_number then i.scope_key[1]::int end, case when not k.is_number then i.scope_key[1] end, r.organisation,
        r.ticket_fee, r.sale_from, r.sale_to, r.hidden, r.project, r.vat_code, r.ticket_fee_vat_code,
        r.ticket_fee_vat_source
    from jsonb_to_recordset(p_items) as i (scope text, scope_key text[], line int, item jsonb)
    cross join jsonb_populate_record(null::billig.event, p_defaults || i.item - 'external_id') as r
    cross join lateral (select i.scope_key[1] ~ '^(0|[1-9][0-9]{0,8})$' as is_number) as k
    where i.scope = 'event' and not exists (select from billig.event as e where e.programme_key = i.scope_key[1])
    order by i.line;
    get diagnostics inserted = row_count;
    unchanged := (
        select count(*) from jsonb_to_recordset(p_items) as i (scope text) where i.scope = 'event'
    ) - updated - inserted;
end;
$$;

comment on function billig.import_events(jsonb, jsonb) is
'The events of a programme that import_programme has checked: what differs is updated, what is new inserted; counts of each. p_items: as billig.programme_items, names of organisations made numbers. An external_id that is a whole number is one; else it is programme_id. A cancelled event stays hidden, whatever the programme says. p_defaults: what a column is where the rows do not say.';
