create or replace view bank.owed_move as
select
    o.owed_back,
    false as is_repayment,
    null::bigint as dispute_loss,
    null::boolean as is_won,
    o.payment_method,
    o.organisation,
    o.amount,
    0::numeric(12, 2) as fee,
    d.owed_back is null as has_rate,
    coalesce(p.payment_time, o.recorded_at) as moved_at,
    -- what a won dispute brings again is named as the dispute, with what it brings of tickets
    coalesce(d.settled_reference, o.provider_reference)::text as reference,
    p.payment,
    o.owed_back as apart
from billig.owed_back as o
left join billig.owed_back as d on o.reopens = d.owed_back
left join billig.payment as c on d.settled_reference = c.provider_reference and c.kind = 'CHARGEBACK'
left join billig.payment as p
    on case
        when d.owed_back is null then o.provider_reference = p.provider_reference
        else c.payment = p.disputed_payment and p.kind = 'CHARGEBACK_WON'
    end
union all
select
    o.owed_back,
    true,
    null,
    null,
    o.payment_method,
    o.organisation,
    -o.amount,
    0,
    true,
    o.settled_at,
    o.settled_reference::text,
    p.payment, -- a dispute that took it with what of the payment had bought tickets
    o.owed_back
from billig.owed_back as o
left join billig.payment as p on o.settled_reference = p.provider_reference and p.kind = 'CHARGEBACK'
where o.settled_at is not null
union all
select
    null,
    null,
    o.dispute_loss,
    s.is_won,
    o.payment_method,
    o.organisation,
    s.sign * o.amount,
    case when s.is_won then 0 else o.fee end,
    false,
    s.moved_at,
    o.dispute_reference::text,
    coalesce(v.payment, case when not s.is_won then c.payment end),
    -- in one item with the debt that the dispute had paid
    coalesce(d.owed_back, -o.dispute_loss)
from billig.dispute_loss as o
cross join lateral (
    values
    (false, -1, o.recorded_at),
    (true, 1, o.won_at)
) as s (is_won, sign, moved_at)
left join billig.payment as c on o.dispute_reference = c.provider_reference and c.kind = 'CHARGEBACK'
left join billig.payment as v on c.payment = v.disputed_payment and v.kind = 'CHARGEBACK_WON' and s.is_won
left join lateral (
    select coalesce(case when s.is_won then n.owed_back end, b.owed_back) as owed_back
    from billig.owed_back as b
    left join billig.owed_back as n on b.owed_back = n.reopens
    where b.settled_reference = o.dispute_reference
    order by b.owed_back
    limit 1
) as d on true
where s.moved_at is not null;

comment on view bank.owed_move is
'Money of providers that is no payment of tickets, as the bank is to have it, NOK, in positive, out negative: what was charged and bought nothing (owed_back), when it came and (is_repayment) when it was paid back; what disputes took beyond what there was (dispute_loss), and (is_won) gave back. reference: its name there; payment: the payment that it is in one sum with; apart: what is else one item; has_rate: whether the route''s fee is kept of it; fee: the dispute''s. For expect_payments.';
