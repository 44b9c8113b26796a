create or replace view report.owed_back as
select
    b.owed_back,
    s.state,
    b.kind,
    billig.local_time(b.recorded_at)::date as recorded_date,
    b.recorded_at,
    o.organisation_name,
    coalesce(b.purchase, b.named_purchase) as purchase,
    b.provider_reference,
    m.payment_method_name as payment_method,
    b.amount::numeric(14, 2) as amount,
    b.used_payment,
    b.settled_at,
    b.settled_by,
    b.settled_reference,
    r.settled_reference as dispute_reference
from billig.owed_back as b
left join billig.owed_back as r on b.reopens = r.owed_back
inner join billig.owed_state as s on b.owed_back = s.owed_back
inner join billig.organisation as o on b.organisation = o.organisation
inner join billig.payment_method as m on b.payment_method = m.payment_method;

comment on view report.owed_back is
'Web money that was charged and bought nothing, a row for each payment at a provider, and one more where a dispute had paid it and was won: what is to be paid back to buyers is state OWED. Pay it back at the provider under provider_reference, then billig.settle_owed_back with the reference of that. Ask by state or recorded_date.';
comment on column report.owed_back.owed_back is 'Key: what settle_owed_back takes';
comment on column report.owed_back.state is
'OWED: to be paid back; HELD: a part payment, whose tickets are held for the rest; USED: a part payment that tickets were paid with when the rest came; PAID_BACK';
comment on column report.owed_back.kind is
'LATE: the tickets were gone, or the event had begun; SURPLUS: more than there was to pay, or once more; PART: less than there was to pay; UNKNOWN: for a purchase that there is not, or that has no ticket';
comment on column report.owed_back.recorded_date is 'Local date of recorded_at';
comment on column report.owed_back.recorded_at is 'When it was confirmed, or the dispute that had paid it was won';
comment on column report.owed_back.organisation_name is 'Who has the money, and owes it';
comment on column report.owed_back.purchase is 'The purchase, as the client named it; null: it named none';
comment on column report.owed_back.provider_reference is 'The provider''s reference of the payment';
comment on column report.owed_back.payment_method is 'What it was paid with';
comment on column report.owed_back.amount is 'NOK, positive';
comment on column report.owed_back.used_payment is 'The payment of the tickets that it helped to pay; null: none';
comment on column report.owed_back.settled_at is 'When it was paid back; null: it was not';
comment on column report.owed_back.settled_by is 'Who said so';
comment on column report.owed_back.settled_reference is 'Reference of the repayment';
comment on column report.owed_back.dispute_reference is
'The dispute that had paid it, of a debt that is owed again since that was won: a row of its own beside the one that it paid; null: none had';
