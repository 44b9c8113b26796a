create or replace function books.organisation_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, books, pg_temp
as $$
begin
    raise exception 'what was registered of an organisation stays' using
        errcode = '23B20',
        detail = format('%s on %I.%I.', tg_op, tg_table_schema, tg_table_name),
        hint = 'Receipts were printed by it. Correct it with books.set_organisation, which adds a row.';
end;
$$;

comment on function books.organisation_keep() is
'Refuses UPDATE, DELETE and TRUNCATE of what is registered of organisations (23B20).';

create or replace trigger organisation_keep
before update or delete or truncate on books.organisation
for each statement execute function books.organisation_keep();
alter table books.organisation enable always trigger organisation_keep;
