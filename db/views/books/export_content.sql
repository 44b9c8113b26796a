create or replace view books.export_content as
select
    v.voucher_export,
    v.organisation,
    min(v.posting_date) as first_date,
    max(v.posting_date) as last_date,
    min(v.voucher_number) as first_number,
    max(v.voucher_number) as last_number,
    count(distinct v.voucher_number)::int as vouchers,
    count(*)::int as lines,
    sum(greatest(l.amount, 0)) as debit,
    sha256(convert_to(string_agg(
        jsonb_build_array(
            v.voucher_number, v.posting_date, v.voucher, v.corrects, l.line, l.line_kind, l.account, l.account_name,
            l.project, l.project_name, l.vat_code, l.vat_rate, l.accounting_vat_code, l.payment_method, l.amount,
            l.vat_amount, l.line_text
        )::text,
        e'\n' order by v.voucher_number, l.line
    ), 'UTF8')) as content_sha256
from books.exported_voucher as v
inner join books.exported_line as l on v.organisation = l.organisation and v.voucher_number = l.voucher_number
group by v.voucher_export, v.organisation;

comment on view books.export_content is
'What each export''s lines come to, and their SHA-256: books.voucher_export keeps it as it was when they went out.';
