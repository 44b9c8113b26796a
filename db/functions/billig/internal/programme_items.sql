create or replace function billig.programme_items(p_rows jsonb)
returns table (scope text, scope_key text[], line int, item jsonb)
language sql stable
begin atomic
    select
        c.scope, c.scope_key, min(c.line),
        jsonb_object_agg(c.column_name, c.value order by c.line desc) filter (where c.is_given)
    from billig.programme_cells(p_rows) as c
    where
        array_position(c.scope_key, null) is null
        and (c.scope <> 'project' or c.value is not null)
    group by c.scope, c.scope_key;
end;

comment on function billig.programme_items(jsonb) is
'The events, projects, ticket groups and price groups that a programme''s rows speak of, once each: their names, the line that has them first, and what it says, with the columns that the file has. Of a project only what is not empty.';
