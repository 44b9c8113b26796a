create or replace function billig.programme_cells(p_rows jsonb)
returns table (
    line int, scope text, scope_key text[], column_name text, kind text, is_required boolean, is_given boolean,
    raw text, value text
)
language plpgsql stable
as $$
#variable_conflict use_column
declare
    v_given text[];
begin
    if p_rows is null or jsonb_typeof(p_rows) <> 'array' or jsonb_path_exists(p_rows, '$[*] ? (@.type() != "object")')
    then
        raise exception 'a programme is an array of objects' using
            errcode = '22023',
            detail = format('p_rows is %s.', coalesce(left(p_rows::text, 60), 'null')),
            hint = 'Pass one object for each price group, with its line and its columns as text.';
    end if;
    v_given := array(select distinct k from jsonb_array_elements(p_rows) as r, jsonb_object_keys(r) as k);

    return query
    with field as (
        select
            case when r.item ->> 'line' ~ '^[0-9]{1,9}$' then (r.item ->> 'line')::int else r.position::int end as line,
            r.position,
            c.scope, c.column_name, c.kind, c.is_required, c.default_value,
            nullif(btrim(r.item ->> c.column_name, E' \t\r\n\u00a0'), '') as raw
        from jsonb_array_elements(p_rows) with ordinality as r (item, position)
        cross join billig.programme_column as c
    ),

    read as (
        select
            f.*,
            case when f.raw is null then f.default_value else billig.programme_value(f.kind, f.raw) end as value
        from field as f
    ),

    keyed as (
        select
            d.position,
            max(d.value) filter (where d.column_name = 'external_id') as external_id,
            max(d.value) filter (where d.column_name = 'project') as project,
            max(d.value) filter (where d.column_name = 'ticket_group') as ticket_group,
            max(d.value) filter (where d.column_name = 'price_group') as price_group
        from read as d
        group by d.position
    )

    select
        d.line, d.scope,
        case d.scope
            when 'event' then array[k.external_id]
            when 'project' then array[k.project]
            when 'ticket_group' then array[k.external_id, k.ticket_group]
            else array[k.external_id, k.ticket_group, k.price_group]
        end,
        d.column_name, d.kind, d.is_required, d.column_name = any (v_given), d.raw, d.value
    from read as d
    inner join keyed as k on d.position = k.position;
end;
$$;

comment on function billig.programme_cells(jsonb) is
'A programme''s rows taken apart: one row for each line and each column of billig.programme_column. raw: as written, trimmed, null where empty; value: as PostgreSQL reads it, null where it is not of its kind; is_given: some row has the column; scope_key: the names of what the field says something about. A row without a line number has its position. 22023: no array of objects.';
