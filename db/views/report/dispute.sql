create or replace view report.dispute as
select
    c.payment,
    s.status,
    billig.local_time(c.payment_time)::date as recorded_date,
    c.payment_time as recorded_at,
    m.organisation_name,
    c.provider_reference::text as dispute_reference,
    d.dispute_type::text as dispute_type,
    d.answer_by::date as answer_by,
    s.is_overdue,
    s.decided_on,
    m.amount::numeric(14, 2) as amount,
    d.fee::numeric(14, 2) as fee,
    coalesce(b.amount, 0)::numeric(14, 2) as loss_amount,
    m.payment_method,
    c.disputed_payment,
    p.provider_reference::text as provider_reference,
    c.purchase,
    (select count(distinct l.ticket) from billig.transaction_log as l where l.payment = c.payment) as tickets,
    d.lets_in,
    c.reason::text as reason,
    s.won_at
from billig.dispute as d
inner join billig.payment as c on d.payment = c.payment
inner join billig.payment as p on c.disputed_payment = p.payment
inner join billig.dispute_state as s on d.payment = s.payment
left join billig.dispute_loss as b on c.provider_reference = b.dispute_reference
cross join lateral (
    select
        -sum(l.amount)::numeric(14, 2) as amount,
        string_agg(distinct o.organisation_name, ', ' order by o.organisation_name) as organisation_name,
        string_agg(distinct n.payment_method_name, ', ' order by n.payment_method_name) as payment_method
    from billig.payment_line as l
    inner join billig.organisation as o on l.organisation = o.organisation
    inner join billig.payment_method as n on l.payment_method = n.payment_method
    where l.payment = c.payment
) as m
union all
-- of what there was nothing of
select
    null::bigint,
    case when b.won_at is null then 'LOST' else 'WON' end,
    billig.local_time(b.recorded_at)::date,
    b.recorded_at,
    o.organisation_name::text,
    b.dispute_reference::text,
    null::text,
    null::date,
    false,
    billig.local_time(coalesce(b.won_at, b.recorded_at))::date,
    0::numeric(14, 2),
    b.fee::numeric(14, 2),
    b.amount::numeric(14, 2),
    n.payment_method_name::text,
    b.disputed_payment,
    p.provider_reference::text,
    p.purchase,
    0::bigint,
    false,
    b.reason::text,
    b.won_at
from billig.dispute_loss as b
inner join billig.payment as p on b.disputed_payment = p.payment
inner join billig.organisation as o on b.organisation = o.organisation
inner join billig.payment_method as n on b.payment_method = n.payment_method
where not exists (
    select from billig.payment as c
    where c.provider_reference = b.dispute_reference and c.kind = 'CHARGEBACK'
);

comment on view report.dispute is
'Disputes of payments for tickets, a row for each that took money of tickets, or more than there was: what the provider took, what it keeps, and until when it can be contested. Contest it at the provider, and once it is decided say so: billig.record_chargeback_won, billig.decide_dispute. Ask by status, answer_by or recorded_date.';
comment on column report.dispute.payment is 'Key: the chargeback; null: it took nothing of tickets, all of it is lost beyond what there was';
comment on column report.dispute.status is
'OPEN: not decided, be it overdue; WON: the provider gave the money back; LOST: it was decided for the buyer; ACCEPTED: we do not contest it';
comment on column report.dispute.recorded_date is 'Local date of recorded_at';
comment on column report.dispute.recorded_at is 'When it was recorded, by the server''s clock';
comment on column report.dispute.organisation_name is 'Whose money was taken: in whose books the payment''s means lies; several by comma';
comment on column report.dispute.dispute_reference is 'The provider''s reference of the dispute: what record_chargeback_won takes';
comment on column report.dispute.dispute_type is 'The provider''s word for why; null: not told';
comment on column report.dispute.answer_by is 'Last local day on which it can be contested; null: not told';
comment on column report.dispute.is_overdue is 'Whether it is OPEN, and the last day on which it could be contested is past';
comment on column report.dispute.decided_on is
'Local day on which it was decided; of one that was won, when that was recorded; null: it is OPEN';
comment on column report.dispute.amount is 'NOK that the provider took, positive, without the fee; of one that was won too';
comment on column report.dispute.fee is 'NOK that the provider keeps for it beside the amount, positive';
comment on column report.dispute.loss_amount is
'NOK that the provider took beyond that, positive: more than was left of the payment, since the rest had gone back by another road; of one that was won too';
comment on column report.dispute.payment_method is 'The means it had been paid with; several by comma';
comment on column report.dispute.disputed_payment is 'The payment that is disputed';
comment on column report.dispute.provider_reference is 'Its reference at the provider; null: none was recorded';
comment on column report.dispute.purchase is 'The purchase; null: an exchange or change of several';
comment on column report.dispute.tickets is 'Tickets in which that money lay';
comment on column report.dispute.lets_in is 'Whether those that are charged back whole let their holders in meanwhile';
comment on column report.dispute.reason is 'Why, as whoever recorded it wrote; null: nothing was said';
comment on column report.dispute.won_at is 'When it was recorded as won; null: it was not';
