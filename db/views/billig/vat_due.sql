create or replace view billig.vat_due as
select
    t.ticket,
    t.event,
    t.vat_code,
    t.vat_rate as old_vat_rate,
    r.vat_rate,
    t.fee_vat_code,
    t.fee_vat_rate as old_fee_vat_rate,
    r.fee_vat_rate
from billig.event as e
inner join billig.ticket as t on e.event = t.event and t.refunded is null
cross join lateral (
    select
        books.rate_on(t.vat_code, e.event_time::date) as vat_rate,
        books.rate_on(t.fee_vat_code, e.event_time::date) as fee_vat_rate
) as r
where
    e.event_time >= billig.local_time() - interval '31 days'
    and (t.vat_rate, t.fee_vat_rate) <> (r.vat_rate, r.fee_vat_rate);

comment on view billig.vat_due is
'Live tickets whose VAT rate is not that of the day of delivery, as it is known now: what billig.change_vat takes over. Of events to come, and of those held within 31 days, for a run that was late: what a rate is called after that changes no sale.';
