create or replace function billig.import_programme(p_rows jsonb)
returns table (what text, inserted bigint, updated bigint, unchanged bigint)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_problems text[];
    v_items jsonb;
    v_defaults constant jsonb := (
        select jsonb_object_agg(c.column_name, c.default_value)
        from billig.programme_column as c
        where c.default_value is not null
    );
begin
    -- One import at a time, whoever calls.
    perform from billig.turn as t where t.turn = 'PROGRAMME' for update;

    v_items := (
        select coalesce(jsonb_agg(to_jsonb(i) order by i.line), '[]')
        from billig.programme_items(p_rows) as i
    );
    -- What is sold of a group whose capacity changes stands still until the end, in the order that exchanges lock in.
    perform billig.lock_capacity(array(
        select g.ticket_group
        from jsonb_to_recordset(v_items) as i (scope text, scope_key text[], item jsonb)
        inner join billig.event as e on i.scope_key[1] = e.programme_key
        inner join billig.ticket_group_base as g on e.event = g.event and i.scope_key[2] = g.ticket_group_name
        where i.scope = 'ticket_group' and i.item ->> 'num' <> g.num::text
    ));

    v_problems := array(
        select
            case when c.line is null then '' else 'Line ' || c.line || ', ' end || 'column ' || c.column_name
            || coalesce(' (' || left(c.value, 40) || ')', '') || ': ' || c.reason || '.'
        from billig.check_programme(p_rows) as c
        where not c.is_warning
    );
    if cardinality(v_problems) > 0 then
        raise exception 'the programme is refused' using
            errcode = '23B17',
            detail = array_to_string(v_problems[1:10], ' ')
                || case when cardinality(v_problems) > 10
                    then format(' And %s more.', cardinality(v_problems) - 10) else '' end,
            hint = 'Nothing was imported. billig.check_programme lists every problem.';
    end if;

    -- From here on names are numbers.
    v_items := (
        select coalesce(jsonb_agg(
            to_jsonb(i) || jsonb_build_object('item', i.item || case
                when i.scope <> 'event' then '{}' else jsonb_build_object('organisation', o.organisation)
            end)
            order by i.line
        ), '[]')
        from jsonb_to_recordset(v_items) as i (scope text, scope_key text[], line int, item jsonb)
        left join billig.organisation as o on i.item ->> 'organisation' = o.organisation_name
    );

    -- One statement each: the next looks for what this one made.
    return query select 'project', i.* from billig.import_projects(v_items) as i;
    return query select 'event', i.* from billig.import_events(v_items, v_defaults) as i;
    return query select 'ticket_group', i.* from billig.import_ticket_groups(v_items, v_defaults) as i;
    return query select 'price_group', i.* from billig.import_price_groups(v_items, v_defaults) as i;
end;
$$;

comment on function billig.import_programme(jsonb) is
'Imports a festival''s programme, all or nothing: one row each for project, event, ticket_group and price_group with the rows inserted, updated and unchanged. p_rows as in check_programme. An event is found again by external_id (the number, or the text as programme_id), a ticket group by event and name, a price group by ticket group and name; what the rows do not mention, and columns that no row has, are left alone. Past sales stay as they were. 22023: no array of objects; 55P03: another import is at it. What check_programme only warns of is imported. 23B17: refused, DETAIL names the first problems.';
