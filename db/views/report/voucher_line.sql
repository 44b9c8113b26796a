create or replace view report.voucher_line as
select
    voucher,
    posting_date,
    organisation,
    organisation_name,
    project,
    project_name,
    line,
    line_kind,
    account,
    account_name,
    debit::numeric(14, 2) as debit,
    credit::numeric(14, 2) as credit,
    amount::numeric(14, 2) as amount,
    vat_code,
    vat_rate::numeric(5, 2) as vat_rate,
    vat_amount::numeric(14, 2) as vat_amount,
    accounting_vat_code,
    payment_method,
    line_text,
    is_suspense,
    (select v.vat_code_name from books.vat_code as v where v.vat_code = l.vat_code) as vat_code_name
from books.voucher_line as l;

comment on view report.voucher_line is
'The journal (bilag): debits and credits by day and organisation, derived from the log and the payments alone; accounts by books.voucher_rule. One voucher per day and organisation, balanced to the øre; on the last day of a closed period a second one, which empties the account of cash differences. Lines of tickets say their project; money has none: it stands whole with the organisation that has it, and what is another''s of it on TRANSFER in both books. Ask by posting_date. What belongs to a closed period stays as it is: posting dates, the rules of a day and the dates of events as they stood that day do not change.';
comment on column report.voucher_line.voucher is
'Which voucher: organisation and day, and -K where closing a period made it; the same whoever asks';
comment on column report.voucher_line.posting_date is 'Date of the voucher';
comment on column report.voucher_line.organisation is 'Organisation whose voucher it is';
comment on column report.voucher_line.organisation_name is 'Its name';
comment on column report.voucher_line.project is 'UKE project of the tickets; null: money, or tickets without a project';
comment on column report.voucher_line.project_name is 'Its name, as it is now; null: no project';
comment on column report.voucher_line.line is 'Number of the line in its voucher, from 1';
comment on column report.voucher_line.line_kind is 'What it is, see books.voucher_line_kind';
comment on column report.voucher_line.account is 'Number of the ledger account';
comment on column report.voucher_line.account_name is 'Name of the ledger account';
comment on column report.voucher_line.debit is 'NOK, 0 if it is a credit';
comment on column report.voucher_line.credit is 'NOK, 0 if it is a debit';
comment on column report.voucher_line.amount is 'NOK: debit less credit';
comment on column report.voucher_line.vat_code is 'Standard VAT code of what was sold; null: not a line of tickets';
comment on column report.voucher_line.vat_rate is
'VAT rate of what counts on the day, per cent; null: not such a line, or prepaid';
comment on column report.voucher_line.vat_amount is
'Of ticket prices and fees: the VAT booked beside the line, NOK, same sign as amount';
comment on column report.voucher_line.accounting_vat_code is
'The accounting system''s VAT code by the rule; null: none, as on the VAT''s own lines and on what is prepaid';
comment on column report.voucher_line.payment_method is 'Means of payment, by name';
comment on column report.voucher_line.line_text is 'The line''s text, Norwegian';
comment on column report.voucher_line.is_suspense is 'No rule knows the line: it stands on the suspense account';
comment on column report.voucher_line.vat_code_name is 'Norwegian name of the VAT code, as published; null: no VAT code';
