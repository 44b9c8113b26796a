create or replace view billig.vat_due as
with rate as materialized ( -- looked up once per event and code, not per ticket
    select
        e.event,
        v.vat_code,
        books.rate_on(v.vat_code, e.event_time::date) as rate
    from billig.event as e
    cross join books.vat_code as v
    where e.event_time >= billig.local_time() - interval '31 days'
)

select
    t.ticket,
    t.event,
    t.vat_code,
    t.vat_rate as old_vat_rate,
    r.rate as vat_rate,
    t.fee_vat_code,
    t.fee_vat_rate as old_fee_vat_rate,
    f.rate as fee_vat_rate
from billig.event as e
cross join lateral (
    -- a fence: event by event, by the index; a join would rather read all tickets there ever were
    select t.ticket, t.event, t.vat_code, t.vat_rate, t.fee_vat_code, t.fee_vat_rate
    from billig.ticket as t
    where t.event = e.event and t.refunded is null
    offset 0
) as t
inner join rate as r on t.event = r.event and t.vat_code = r.vat_code
inner join rate as f on t.event = f.event and t.fee_vat_code = f.vat_code
where
    e.event_time >= billig.local_time() - interval '31 days'
    and (t.vat_rate, t.fee_vat_rate) <> (r.rate, f.rate);

comment on view billig.vat_due is
'Live tickets whose VAT rate is not that of the day of delivery, as it is known now: what billig.change_vat takes over. Of events to come, and of those held within 31 days, for a run that was late: what a rate is called after that changes no sale.';
