create or replace view consistency.rollup as
select
    s.organisation,
    s.posting_date,
    s.transaction_date,
    s.project,
    s.transaction_type,
    s.vat_code,
    s.vat_rate,
    s.fee_vat_code,
    s.fee_vat_rate,
    sum(s.log_rows) filter (where s.is_total) as total_log_rows,
    sum(s.log_rows) filter (where not s.is_total) as log_rows,
    sum(s.gross_amount) filter (where s.is_total) as total_gross_amount,
    sum(s.gross_amount) filter (where not s.is_total) as gross_amount
from (
    select
        true as is_total,
        1 as sign,
        t.organisation,
        t.posting_date,
        t.transaction_date,
        t.project,
        t.transaction_type,
        t.vat_code,
        t.vat_rate,
        t.fee_vat_code,
        t.fee_vat_rate,
        t.log_rows,
        t.fee_rows,
        t.amount,
        t.vat_amount,
        t.fee_amount,
        t.fee_vat_amount,
        t.amount + t.fee_amount as gross_amount
    from billig.posted_total as t
    union all
    select
        false,
        -1,
        l.organisation,
        l.posting_date,
        l.transaction_date,
        l.project,
        l.transaction_type,
        l.vat_code,
        l.vat_rate,
        l.fee_vat_code,
        l.fee_vat_rate,
        count(*),
        count(*) filter (where l.fee_amount <> 0),
        sum(l.amount),
        sum(l.vat_amount),
        sum(l.fee_amount),
        sum(l.fee_vat_amount),
        sum(l.amount + l.fee_amount)
    from billig.posted_log as l
    group by
        l.organisation, l.posting_date, l.transaction_date, l.project, l.transaction_type,
        l.vat_code, l.vat_rate, l.fee_vat_code, l.fee_vat_rate
) as s
group by
    s.organisation, s.posting_date, s.transaction_date, s.project, s.transaction_type,
    s.vat_code, s.vat_rate, s.fee_vat_code, s.fee_vat_rate
having
    sum(s.sign * s.log_rows) <> 0
    or sum(s.sign * s.fee_rows) <> 0
    or sum(s.sign * s.amount) <> 0
    or sum(s.sign * s.vat_amount) <> 0
    or sum(s.sign * s.fee_amount) <> 0
    or sum(s.sign * s.fee_vat_amount) <> 0;

comment on view consistency.rollup is
'What was rolled up and the tail that is not make the log, day by day and kind by kind, to the row and the øre (total_...: rolled up and tail; else: the log itself, summed). A row means that the log was changed with its triggers off, that the roll-up was, or that something was sold into a restored dump before it was deployed. It reads the whole log.';
