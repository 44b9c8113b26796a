create or replace view consistency.voucher_rule as
select
    line_kind,
    organisation,
    project,
    vat_code,
    payment_method,
    min(posting_date) as first_day,
    max(posting_date) as last_day,
    sum(amount) as amount
from report.voucher_line
where is_suspense
group by line_kind, organisation, project, vat_code, payment_method;

comment on view consistency.voucher_rule is
'Every line of a voucher has a rule. A row names lines that stand on the suspense account since none fits them, the days, and their sum in NOK, debit positive: add one with books.set_voucher_rule.';
