create or replace view billig.posted_total as
select
    r.organisation,
    r.posting_date,
    r.transaction_date,
    r.project,
    r.transaction_type,
    r.vat_code,
    r.vat_rate,
    r.fee_vat_code,
    r.fee_vat_rate,
    r.log_rows,
    r.fee_rows,
    r.amount,
    r.vat_amount,
    r.fee_amount,
    r.fee_vat_amount
from billig.rollup as r
union all
select
    u.organisation,
    u.posting_date,
    u.transaction_date,
    u.project,
    u.transaction_type,
    u.vat_code,
    u.vat_rate,
    u.fee_vat_code,
    u.fee_vat_rate,
    1::bigint,
    case when u.fee_amount <> 0 then 1::bigint else 0::bigint end,
    u.amount,
    u.vat_amount,
    u.fee_amount,
    u.fee_vat_amount
from billig.unrolled_log as u;

comment on view billig.posted_total is
'Sums of the whole log, exact to the last committed row: what is rolled up, and each row that is not yet. Several rows may stand for one day and kind; sum them. Columns as in billig.rollup.';
