create or replace view billig.voucher_owed_back as
select
    d.posting_date,
    o.organisation,
    c.line_kind,
    o.payment_method,
    sum(c.sign * d.sign * o.amount) as amount
from billig.owed_back as o
cross join lateral (
    values
    (billig.local_time(o.recorded_at)::date, 1),
    (billig.local_time(o.settled_at)::date, -1)
) as d (posting_date, sign)
cross join lateral (values ('PAYMENT', 1), ('OWED_BACK', -1)) as c (line_kind, sign)
where d.posting_date is not null
group by d.posting_date, o.organisation, c.line_kind, o.payment_method;

comment on view billig.voucher_owed_back is
'Web money that bought nothing (billig.owed_back), as lines of vouchers, on the day it came and the day it was paid back, which is by the method it came by; the organisation that has the money owes it. What of it pays for tickets in the end is a line of their payment (HELD). NOK: debit positive, credit negative.';
