create or replace view billig.voucher_loss as
select
    d.posting_date,
    o.organisation,
    c.line_kind,
    case when c.line_kind = 'PAYMENT' then o.payment_method end as payment_method,
    sum(c.sign * d.sign * o.amount) as amount
from billig.dispute_loss as o
cross join lateral (
    values
    (billig.local_time(o.recorded_at)::date, 1),
    (billig.local_time(o.won_at)::date, -1)
) as d (posting_date, sign)
cross join lateral (values ('PAYMENT', -1), ('BANK_DIFFERENCE', 1)) as c (line_kind, sign)
where d.posting_date is not null
group by 1, 2, 3, 4;

comment on view billig.voucher_loss is
'What disputes took beyond what there was (billig.dispute_loss), as lines of vouchers, on the day it was taken and the day it was won. NOK: debit positive, credit negative.';
