create or replace function bank.add_import_file(
    p_tables text[], p_file_name text, p_content_sha256 bytea, p_format text
)
returns bigint
language plpgsql
set search_path = pg_catalog, bank, pg_temp
as $$
declare
    v_import_file bigint;
begin
    if
        (
            select count(*) <> cardinality(p_tables)
            from pg_class as c
            where
                c.relnamespace = pg_my_temp_schema() and c.relname = any(p_tables)
                and c.relkind = 'r' and c.relowner = current_user::regrole
        )
        or coalesce(p_file_name, '') = '' or coalesce(p_format, '') = ''
        or p_content_sha256 is null or length(p_content_sha256) <> 32
    then
        raise exception 'a file is loaded after begin_import, in its transaction' using
            errcode = '22023',
            detail = format('Name %L, format %L.', p_file_name, p_format),
            hint = format('begin_import, COPY into %s, and load; then commit.', array_to_string(p_tables, ', '));
    end if;
    insert into bank.import_file as f (file_name, content_sha256, format, replaces)
    select
        p_file_name, p_content_sha256, p_format,
        case when bank.file_of(p_content_sha256) is null then max(o.import_file) end
    from bank.import_file as o
    where o.content_sha256 = p_content_sha256
    returning f.import_file into v_import_file;
    return v_import_file;
end;
$$;

comment on function bank.add_import_file(text[], text, bytea, text) is
'A new row of bank.import_file, for load_import and load_payout: the temporary tables are those that begin_import made, not the caller''s. 22023.';
