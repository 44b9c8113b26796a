create or replace function books.record_export_file(p_voucher_export int, p_sha256 bytea, p_file_name text)
returns int
language plpgsql security definer
set search_path = pg_catalog, books, pg_temp
as $$
declare
    v_file int;
begin
    perform books.check_text('p_file_name', p_file_name);
    if length(p_sha256) is distinct from 32 or coalesce(p_file_name, '') = '' or length(p_file_name) > 255 then
        raise exception 'a file has a SHA-256 and a name' using
            errcode = '22023',
            detail = format('SHA-256 %L, name %L.', encode(p_sha256, 'hex'), p_file_name),
            hint = 'Pass the 32 bytes of it, and a name of up to 255 characters.';
    end if;
    if not exists (select from books.voucher_export as e where e.voucher_export = p_voucher_export) then
        raise exception 'no such export' using
            errcode = 'P0002',
            detail = format('Export %s.', coalesce(p_voucher_export::text, '-')),
            hint = 'Exports are in report.voucher_export.';
    end if;
    insert into books.export_file as f (voucher_export, sha256, file_name)
    values (p_voucher_export, p_sha256, p_file_name)
    returning f.export_file into v_file;
    return v_file;
end;
$$;

comment on function books.record_export_file(int, bytea, text) is
'Records that an export was written to a file: the first one, or a copy, which has the same bytes. Returns the row of books.export_file. 22023: no SHA-256, or no name; P0002: no such export; 23B57: its first file had other bytes.';
