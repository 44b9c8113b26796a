create or replace view consistency.payment_execution as
with done as (
    select
        a.transaction,
        a.kind,
        a.amount,
        a.payment_attempt
    from marketplace.payment_attempt as a
    where a.state = 'SUCCEEDED'
)

select
    t.transaction,
    d.payment_attempt,
    t.status as found,
    format('due and not set off are NOK %s; %s of %s øre succeeded', t.left_amount, coalesce(d.kind, 'nothing'), d.amount) as problem
from marketplace.transaction as t
left join done as d on t.transaction = d.transaction
where
    t.status = 'EXECUTED' and t.left_amount <> 0
    and (
        d.amount is distinct from abs(t.left_amount) * 100
        or d.kind <> case when t.kind = 'REFUND' then 'REFUND' when t.due_amount > 0 then 'CHARGE' else 'PAYOUT' end
    )
union all
select
    d.transaction,
    d.payment_attempt,
    t.status,
    'an attempt has succeeded, and the transaction is not EXECUTED'
from done as d
inner join marketplace.transaction as t on d.transaction = t.transaction
where t.status <> 'EXECUTED'
union all
select
    a.transaction,
    a.payment_attempt,
    a.state,
    format('its last event says %s', coalesce(e.to_state, 'nothing'))
from marketplace.payment_attempt as a
left join (
    select distinct on (x.payment_attempt)
        x.payment_attempt,
        x.to_state
    from marketplace.payment_attempt_event as x
    order by x.payment_attempt asc, x.payment_attempt_event desc
) as e on a.payment_attempt = e.payment_attempt
where e.to_state is distinct from a.state
union all
select
    a.transaction,
    a.payment_attempt,
    a.refunded::text,
    format('øre given back, by REFUND transactions %s', coalesce(r.amount, 0))
from marketplace.payment_attempt as a
left join (
    select
        t.corrects,
        (-sum(t.due_amount) * 100)::bigint as amount
    from marketplace.transaction as t
    where t.kind = 'REFUND' and t.status <> 'CALLED_OFF'
    group by t.corrects
) as r on a.transaction = r.corrects
where
    a.kind = 'CHARGE' and a.state = 'SUCCEEDED' and a.refunded <> coalesce(r.amount, 0)
union all
select
    a.transaction,
    a.payment_attempt,
    'returned',
    format('of %s øre that came back ADJUSTMENT transactions owe %s again', a.came_back, coalesce(-sum(t.due_amount) * 100, 0)::bigint)
from marketplace.payment_attempt as a
left join marketplace.transaction as t
    on
        a.transaction = t.corrects and t.kind = 'ADJUSTMENT'
        and (t.request_id = 'returned ' || a.idempotency_key or starts_with(t.request_id, 'returned ' || a.idempotency_key || ' '))
where a.came_back > 0
group by a.transaction, a.payment_attempt, a.came_back
having coalesce(-sum(t.due_amount) * 100, 0) <> a.came_back;

comment on view consistency.payment_execution is
'A transaction is EXECUTED if, and only if, one attempt of its kind, of what was not set off, has succeeded; each attempt is where its events say; what was given back of a charge is the sum of its refunds; what came back is owed again, once.';
