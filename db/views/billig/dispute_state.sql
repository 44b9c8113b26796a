create or replace view billig.dispute_state as
select
    d.payment,
    case when w.payment is not null then 'WON' else coalesce(v.verdict, 'OPEN') end as status,
    case
        when w.payment is not null then billig.local_time(w.payment_time)::date
        when v.verdict <> 'OPEN' then v.decided_on::date
    end as decided_on,
    w.payment is null and coalesce(v.verdict, 'OPEN') = 'OPEN'
    and coalesce(d.answer_by < billig.local_time()::date, false) as is_overdue,
    w.payment_time as won_at
from billig.dispute as d
left join billig.payment as w on d.payment = w.disputed_payment and w.kind = 'CHARGEBACK_WON'
left join lateral (
    select
        o.verdict,
        o.decided_on
    from billig.dispute_verdict as o
    where o.payment = d.payment
    order by o.dispute_verdict desc
    limit 1
) as v on true;

comment on view billig.dispute_state is
'What has become of each dispute: status WON (the provider gave the money back: a payment CHARGEBACK_WON), LOST, ACCEPTED (billig.dispute_verdict, the last word), or OPEN; decided_on, local day, null while OPEN; is_overdue: OPEN, and its answer_by is past.';
