create or replace view consistency.period as
select
    p.accounting_period,
    p.organisation,
    p.first_day,
    p.last_day,
    p.log_rows as closed_log_rows,
    coalesce(sum(l.log_rows), 0) as log_rows,
    p.gross_amount as closed_gross_amount,
    coalesce(sum(l.gross_amount), 0) as gross_amount,
    p.vat_amount as closed_vat_amount,
    coalesce(sum(l.vat_amount), 0) as vat_amount,
    p.voucher_debit as closed_voucher_debit,
    v.debit as voucher_debit
from books.accounting_period as p
left join (
    select
        organisation,
        posting_date,
        count(*) as log_rows,
        sum(amount + fee_amount) as gross_amount,
        sum(vat_amount + fee_vat_amount) as vat_amount
    from billig.posted_log
    group by organisation, posting_date
) as l on p.organisation = l.organisation and l.posting_date between p.first_day and p.last_day
cross join lateral (
    select coalesce(sum(j.debit), 0) as debit
    from books.voucher_line as j
    where j.organisation = p.organisation and j.posting_date between p.first_day and p.last_day and not j.is_close
) as v
group by p.accounting_period, v.debit
having
    p.log_rows <> coalesce(sum(l.log_rows), 0)
    or p.gross_amount <> coalesce(sum(l.gross_amount), 0)
    or p.vat_amount <> coalesce(sum(l.vat_amount), 0)
    or p.voucher_debit <> v.debit;

comment on view consistency.period is
'A closed period has the figures it was closed with: the control totals kept at the close (closed_...) are what billig.posted_log, and its vouchers, give for it now. A row means that the log was changed with its triggers off, that a row was let into a closed period, or that something vouchers go by was.';
