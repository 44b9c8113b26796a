create or replace view report.dispute as
select
    c.payment,
    case
        when w.payment is not null then 'WON'
        when d.answer_by < billig.local_time()::date then 'STANDS'
        else 'OPEN'
    end as status,
    billig.local_time(c.payment_time)::date as recorded_date,
    c.payment_time as recorded_at,
    m.organisation_name,
    c.provider_reference as dispute_reference,
    d.dispute_type::text as dispute_type,
    d.answer_by::date as answer_by,
    m.amount::numeric(14, 2) as amount,
    d.fee::numeric(14, 2) as fee,
    m.payment_method,
    c.disputed_payment,
    p.provider_reference,
    c.purchase,
    (select count(distinct l.ticket) from billig.transaction_log as l where l.payment = c.payment) as tickets,
    d.lets_in,
    c.reason,
    w.payment_time as won_at
from billig.dispute as d
inner join billig.payment as c on d.payment = c.payment
inner join billig.payment as p on c.disputed_payment = p.payment
left join billig.payment as w on c.payment = w.disputed_payment and w.kind = 'CHARGEBACK_WON'
cross join lateral (
    select
        -sum(l.amount)::numeric(14, 2) as amount,
        string_agg(distinct o.organisation_name, ', ' order by o.organisation_name) as organisation_name,
        string_agg(distinct n.payment_method_name, ', ' order by n.payment_method_name) as payment_method
    from billig.payment_line as l
    inner join billig.organisation as o on l.organisation = o.organisation
    inner join billig.payment_method as n on l.payment_method = n.payment_method
    where l.payment = c.payment
) as m;

comment on view report.dispute is
'Disputes of payments for tickets, a row for each chargeback: what the provider took, what it keeps, and until when it can be contested. Contest it at the provider, and once it is decided for us say so: billig.record_chargeback_won. Ask by status, answer_by or recorded_date.';
comment on column report.dispute.payment is 'Key: the chargeback';
comment on column report.dispute.status is
'OPEN: it can be contested, or no deadline is told; STANDS: answer_by is past and it was not won: lost, or not decided yet; WON: the provider gave the money back';
comment on column report.dispute.recorded_date is 'Local date of recorded_at';
comment on column report.dispute.recorded_at is 'When it was recorded, by the server''s clock';
comment on column report.dispute.organisation_name is 'Whose money was taken: in whose books the payment''s means lies; several by comma';
comment on column report.dispute.dispute_reference is 'The provider''s reference of the dispute: what record_chargeback_won takes';
comment on column report.dispute.dispute_type is 'The provider''s word for why; null: not told';
comment on column report.dispute.answer_by is 'Last local day on which it can be contested; null: not told';
comment on column report.dispute.amount is 'NOK that the provider took, positive, without the fee; of one that was won too';
comment on column report.dispute.fee is 'NOK that the provider keeps for it beside the amount, positive';
comment on column report.dispute.payment_method is 'The means it had been paid with; several by comma';
comment on column report.dispute.disputed_payment is 'The payment that is disputed';
comment on column report.dispute.provider_reference is 'Its reference at the provider; null: none was recorded';
comment on column report.dispute.purchase is 'The purchase; null: an exchange or change of several';
comment on column report.dispute.tickets is 'Tickets in which that money lay';
comment on column report.dispute.lets_in is 'Whether those that are charged back whole let their holders in meanwhile';
comment on column report.dispute.reason is 'Why, as whoever recorded it wrote; null: nothing was said';
comment on column report.dispute.won_at is 'When it was recorded as won; null: it was not';
