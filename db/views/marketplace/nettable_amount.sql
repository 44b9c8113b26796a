create or replace view marketplace.nettable_amount as
select
    o.transaction,
    o.profile,
    o.kind,
    o.month,
    o.status,
    o.amount,
    l.prepared
from marketplace.open_amount as o
left join lateral (
    select
        max(a.payment_attempt) filter (where a.state = 'PREPARED') as prepared,
        coalesce(bool_or(a.state in ('SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION')), false) as is_sent,
        coalesce(
            (array_agg(a.state = 'CANCELLED' and not a.is_released order by a.attempt_number desc))[1], false
        ) as is_called_off
    from marketplace.payment_attempt as a
    where a.transaction = o.transaction
) as l on true
where
    o.kind <> 'REFUND' and not l.is_sent and not (o.amount < 0 and l.is_called_off)
    and not marketplace.has_alarm(o.transaction);

comment on view marketplace.nettable_amount is
'What of marketplace.open_amount is set off, the debts of a profile against its claims. Not what a gateway is at, which may still take or pay it; nor what a person must look at first; nor a payout that a person has called off, until they release it. A refund goes to the means that was charged. prepared: an attempt that was not sent yet, and is called off first; null: none.';
