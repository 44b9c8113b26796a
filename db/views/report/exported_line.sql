create or replace view report.exported_line as
select
    v.voucher_export,
    v.organisation,
    o.organisation_name,
    v.voucher_number,
    v.voucher,
    v.posting_date,
    v.corrects as corrected_number,
    l.project,
    l.project_name,
    l.line::bigint as line,
    l.line_kind,
    l.account,
    l.account_name,
    greatest(l.amount, 0)::numeric(14, 2) as debit,
    greatest(-l.amount, 0)::numeric(14, 2) as credit,
    l.amount,
    l.vat_code,
    l.vat_rate,
    l.vat_amount,
    l.accounting_vat_code,
    l.payment_method,
    l.line_text,
    (select v.vat_code_name from books.vat_code as v where v.vat_code = l.vat_code) as vat_code_name
from books.exported_voucher as v
inner join books.exported_line as l on v.organisation = l.organisation and v.voucher_number = l.voucher_number
inner join billig.organisation as o on v.organisation = o.organisation;

comment on view report.exported_line is
'The lines of vouchers that went out to the accounting system, as they went, by number. Of a day they sum to what report.voucher_line had of it when it was exported last.';
comment on column report.exported_line.voucher_export is 'The export that it went out with, see report.voucher_export';
comment on column report.exported_line.organisation is 'Organisation whose voucher it is';
comment on column report.exported_line.organisation_name is 'Its name';
comment on column report.exported_line.voucher_number is 'Number of the voucher in the accounting system';
comment on column report.exported_line.voucher is 'Its name in report.voucher_line';
comment on column report.exported_line.posting_date is 'Date of the voucher';
comment on column report.exported_line.corrected_number is 'Number of the voucher that it corrects, by the difference; null: the first of its name';
comment on column report.exported_line.project is 'UKE project of the tickets; null: money, or tickets without a project';
comment on column report.exported_line.project_name is 'Its name then; null: no project';
comment on column report.exported_line.line is 'Number of the line in its voucher, from 1';
comment on column report.exported_line.line_kind is 'What it is, see books.voucher_line_kind';
comment on column report.exported_line.account is 'Number of the ledger account';
comment on column report.exported_line.account_name is 'Name of the ledger account then';
comment on column report.exported_line.debit is 'NOK, 0 if it is a credit';
comment on column report.exported_line.credit is 'NOK, 0 if it is a debit';
comment on column report.exported_line.amount is 'NOK: debit less credit';
comment on column report.exported_line.vat_code is 'Standard VAT code of what was sold; null: not a line of tickets';
comment on column report.exported_line.vat_rate is 'VAT rate, per cent; null: not a line that counts for VAT on its day';
comment on column report.exported_line.vat_amount is 'Of ticket prices and fees: the VAT booked beside the line, NOK, same sign as amount';
comment on column report.exported_line.accounting_vat_code is 'The accounting system''s VAT code; null: none';
comment on column report.exported_line.payment_method is 'Means of payment, by its name then; null: not a line of money';
comment on column report.exported_line.line_text is 'The line''s text, Norwegian';
comment on column report.exported_line.vat_code_name is 'Norwegian name of the VAT code, as published; null: no VAT code';
