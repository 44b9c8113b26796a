create or replace view report.voucher_export as
select
    e.voucher_export,
    e.organisation,
    o.organisation_name,
    e.first_day,
    e.last_day,
    e.layout,
    e.no_vat_code,
    e.first_number,
    e.last_number,
    e.last_number - e.first_number + 1 as vouchers,
    e.lines::bigint as lines,
    e.debit::numeric(14, 2) as debit,
    e.exported_by,
    e.exported_at,
    encode(e.content_sha256, 'hex') as content_sha256,
    f.files,
    encode(f.sha256, 'hex') as file_sha256,
    f.file_name,
    f.written_at
from books.voucher_export as e
inner join billig.organisation as o on e.organisation = o.organisation
cross join lateral (
    select
        count(*) as files,
        (array_agg(w.sha256 order by w.export_file))[1] as sha256,
        (array_agg(w.file_name order by w.export_file))[1] as file_name,
        min(w.written_at) as written_at
    from books.export_file as w
    where w.voucher_export = e.voucher_export
) as f;

comment on view report.voucher_export is
'What went out to the accounting system, a row per export: which days, which numbers, by whom and when. Its lines are in report.exported_line. One that no file was written of (files 0) was recorded and then interrupted: pybridge voucher again writes it.';
comment on column report.voucher_export.voucher_export is 'Key of the export';
comment on column report.voucher_export.organisation is 'Organisation whose vouchers it has';
comment on column report.voucher_export.organisation_name is 'Its name';
comment on column report.voucher_export.first_day is 'First day that was asked for';
comment on column report.voucher_export.last_day is 'Last day that was asked for';
comment on column report.voucher_export.layout is 'The layout of its file';
comment on column report.voucher_export.no_vat_code is 'What the file has where a line has no VAT code';
comment on column report.voucher_export.first_number is 'Number of its first voucher';
comment on column report.voucher_export.last_number is 'Number of its last voucher';
comment on column report.voucher_export.vouchers is 'How many vouchers it has';
comment on column report.voucher_export.lines is 'How many lines they have';
comment on column report.voucher_export.debit is 'NOK of all debits';
comment on column report.voucher_export.exported_by is 'Role that exported it';
comment on column report.voucher_export.exported_at is 'When it was exported';
comment on column report.voucher_export.content_sha256 is 'SHA-256 of its lines, in hexadecimal';
comment on column report.voucher_export.files is 'How many files of it were written: the first one, and copies; 0: none was, as far as is known';
comment on column report.voucher_export.file_sha256 is 'SHA-256 of its file, in hexadecimal; null: none was written';
comment on column report.voucher_export.file_name is 'What the first file is called; null: none was written';
comment on column report.voucher_export.written_at is 'When the first file had been written; null: none was written';
