create or replace function billig.import_projects(
    p_items jsonb, out inserted bigint, out updated bigint, out unchanged bigint
)
language plpgsql
as $$
begin
    update billig.project as p
    set project_name = n.project_name, vat_code = n.vat_code
    from (
        select
            x.project, coalesce(i.item ->> 'project_name', x.project_name) as project_name,
            coalesce((i.item ->> 'project_vat_code')::smallint, x.vat_code) as vat_code
        from jsonb_to_recordset(p_items) as i (scope text, scope_key text[], item jsonb)
        inner join billig.project as x on i.scope_key[1] = x.project::text
        where i.scope = 'project'
    ) as n
    where p.project = n.project and (p.project_name, p.vat_code) is distinct from (n.project_name, n.vat_code);
    get diagnostics updated = row_count;
    insert into billig.project (project, project_name, organisation, vat_code)
    select
        i.scope_key[1]::int, i.item ->> 'project_name',
        (
            select (e.item ->> 'organisation')::int
            from jsonb_to_recordset(p_items) as e (scope text, item jsonb)
            where e.scope = 'event' and e.item ->> 'project' = i.scope_key[1]
            limit 1
        ),
        (i.item ->> 'project_vat_code')::smallint
    from jsonb_to_recordset(p_items) as i (scope text, scope_key text[], item jsonb)
    where i.scope = 'project' and not exists (select from billig.project as p where p.project::text = i.scope_key[1])
    order by 1;
    get diagnostics inserted = row_count;
    unchanged := (
        select count(distinct e.item ->> 'project')
        from jsonb_to_recordset(p_items) as e (scope text, item jsonb)
        where e.scope = 'event'
    ) - updated - inserted;
end;
$$;

comment on function billig.import_projects(jsonb) is
'The projects of a programme that import_programme has checked: what differs is updated, what is new inserted; counts of each. p_items: as billig.programme_items, names of organisations and event types made numbers. A new project is of the organisation of its first event.';
