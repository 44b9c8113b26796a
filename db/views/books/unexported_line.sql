create or replace view books.unexported_line as
select
    d.organisation,
    d.posting_date,
    d.voucher,
    d.line_kind,
    d.account,
    coalesce(max(d.account_name), max(d.account_name_then)) as account_name,
    d.project,
    coalesce(max(d.project_name), max(d.project_name_then)) as project_name,
    d.vat_code,
    d.vat_rate,
    d.accounting_vat_code,
    d.payment_method,
    sum(d.amount) as amount,
    sum(d.vat_amount) as vat_amount,
    coalesce(max(d.line_text), max(d.line_text_then)) as line_text,
    coalesce(bool_or(d.is_suspense), false) as is_suspense
from (
    select
        organisation,
        posting_date,
        voucher,
        line_kind,
        account,
        account_name,
        null as account_name_then,
        project,
        project_name,
        null as project_name_then,
        vat_code,
        vat_rate,
        accounting_vat_code,
        payment_method,
        amount,
        vat_amount,
        line_text,
        null as line_text_then,
        is_suspense
    from books.voucher_line
    union all
    select
        v.organisation,
        v.posting_date,
        v.voucher,
        l.line_kind,
        l.account,
        null,
        l.account_name,
        l.project,
        null,
        l.project_name,
        l.vat_code,
        l.vat_rate,
        l.accounting_vat_code,
        l.payment_method,
        -l.amount,
        -l.vat_amount,
        null,
        -- without what it was said to correct
        regexp_replace(l.line_text, '^Retter bilag [0-9]+: ', ''),
        false
    from books.exported_voucher as v
    inner join books.exported_line as l on v.organisation = l.organisation and v.voucher_number = l.voucher_number
) as d
group by
    d.organisation, d.posting_date, d.voucher, d.line_kind, d.account, d.project, d.vat_code, d.vat_rate,
    d.accounting_vat_code, d.payment_method
having sum(d.amount) <> 0 or sum(d.vat_amount) <> 0;

comment on view books.unexported_line is
'What the vouchers say (books.voucher_line) less what went out of them (books.exported_line): nothing where all of a day is exported. NOK: debit positive. Ask by organisation and posting_date.';
