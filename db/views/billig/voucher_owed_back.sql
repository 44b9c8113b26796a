create or replace view billig.voucher_owed_back as
select
    d.posting_date,
    s.organisation,
    s.project,
    c.line_kind,
    o.payment_method,
    sum(c.sign * d.sign * s.amount) as amount
from billig.owed_back as o
cross join lateral (
    values
    (billig.local_time(o.recorded_at)::date, 1),
    (billig.local_time(o.settled_at)::date, -1)
) as d (posting_date, sign)
cross join lateral (
    -- of the tickets that were lost, in proportion to what they cost; to the øre, as in voucher_payment
    select
        w.organisation,
        w.project,
        round(o.amount * w.upto / w.total, 2) - round(o.amount * (w.upto - w.weight) / w.total, 2) as amount
    from (
        select
            t.organisation,
            t.project,
            sum(t.price + t.fee) as weight,
            sum(sum(t.price + t.fee)) over (order by t.organisation, t.project) as upto,
            sum(sum(t.price + t.fee)) over () as total
        from billig.ticket as t
        where
            t.purchase = o.purchase
            and t.sale_channel = 'NET'
            and t.paid is null
            and t.refunded < billig.local_time(o.recorded_at) + interval '1 hour'
            and t.price + t.fee > 0
        group by t.organisation, t.project
    ) as w
    union all
    select
        (select min(n.organisation) from billig.organisation as n),
        null,
        o.amount
    where not exists (
        select from billig.ticket as t
        where
            t.purchase = o.purchase
            and t.sale_channel = 'NET'
            and t.paid is null
            and t.refunded < billig.local_time(o.recorded_at) + interval '1 hour'
            and t.price + t.fee > 0
    )
) as s
cross join lateral (values ('PAYMENT', 1), ('OWED_BACK', -1)) as c (line_kind, sign)
where d.posting_date is not null and s.amount <> 0
group by d.posting_date, s.organisation, s.project, c.line_kind, o.payment_method;

comment on view billig.voucher_owed_back is
'Money that came too late for its tickets (billig.owed_back), as lines of vouchers, on the day it came and the day it was paid back, which is by the method it came by; by organisation and project of the tickets that were lost. NOK: debit positive, credit negative.';
