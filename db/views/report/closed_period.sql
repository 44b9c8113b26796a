create or replace view report.closed_period as
select
    o.organisation_name,
    p.first_day,
    p.last_day,
    p.closed_at,
    p.closed_by,
    p.note,
    p.log_rows,
    p.gross_amount::numeric(14, 2) as gross_amount,
    (p.gross_amount - p.vat_amount)::numeric(14, 2) as net_amount,
    p.vat_amount::numeric(14, 2) as vat_amount,
    coalesce(l.late_rows, 0) as late_rows
from books.accounting_period as p
inner join billig.organisation as o on p.organisation = o.organisation
left join (
    select
        c.accounting_period,
        count(*) as late_rows
    from billig.late_rows() as t
    inner join books.accounting_period as c
        on t.organisation = c.organisation and t.transaction_date between c.first_day and c.last_day
    group by c.accounting_period
) as l on p.accounting_period = l.accounting_period;

comment on view report.closed_period is
'The closed periods, a row for each: every report over one, by posting_date, returns the figures it had at the close. NOK, positive in; net_amount = gross_amount - vat_amount. What came too late for a period is in report.late_transaction.';
comment on column report.closed_period.organisation_name is 'Organisation whose period it is';
comment on column report.closed_period.first_day is 'First day, local date';
comment on column report.closed_period.last_day is 'Last day, local date, in the period';
comment on column report.closed_period.closed_at is 'When it was closed';
comment on column report.closed_period.closed_by is 'Role that closed it';
comment on column report.closed_period.note is 'What the bookkeeper noted; null: nothing';
comment on column report.closed_period.log_rows is 'Log rows posted in the period at the close';
comment on column report.closed_period.gross_amount is 'NOK including VAT and fees at the close, positive in, negative out';
comment on column report.closed_period.net_amount is 'NOK without VAT at the close: gross_amount less vat_amount';
comment on column report.closed_period.vat_amount is 'NOK of VAT in gross_amount at the close, signed as it';
comment on column report.closed_period.late_rows is
'Log rows dated in the period that came after its close, and count on a later day; they are not in log_rows';
