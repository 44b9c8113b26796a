create or replace view report.unexported_voucher as
select
    u.organisation,
    o.organisation_name,
    u.posting_date,
    u.voucher,
    f.voucher_number as corrected_number,
    count(*) as lines,
    sum(greatest(u.amount, 0))::numeric(14, 2) as debit
from books.unexported_line as u
inner join billig.organisation as o on u.organisation = o.organisation
left join books.exported_voucher as f
    on u.organisation = f.organisation and u.voucher = f.voucher and f.corrects is null
group by u.organisation, o.organisation_name, u.posting_date, u.voucher, f.voucher_number;

comment on view report.unexported_voucher is
'What did not go out to the accounting system yet, a row per voucher: one that was never exported, or what has changed since it was. Ask by posting_date.';
comment on column report.unexported_voucher.organisation is 'Organisation whose voucher it is';
comment on column report.unexported_voucher.organisation_name is 'Its name';
comment on column report.unexported_voucher.posting_date is 'Date of the voucher';
comment on column report.unexported_voucher.voucher is 'Its name in report.voucher_line';
comment on column report.unexported_voucher.corrected_number is 'Number of the voucher that went out and would be corrected; null: it never went out';
comment on column report.unexported_voucher.lines is 'How many lines the voucher would have';
comment on column report.unexported_voucher.debit is 'NOK of its debits';
