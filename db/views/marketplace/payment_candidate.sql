create or replace view marketplace.payment_candidate with (security_invoker = true) as
with open_one as (
    select
        t.transaction,
        t.profile,
        t.month,
        t.corrects,
        case when t.kind = 'REFUND' then 'REFUND' when t.due_amount > 0 then 'CHARGE' else 'PAYOUT' end as kind,
        (abs(t.left_amount) * 100)::bigint as amount,
        case
            when t.kind <> 'MONTHLY' then (t.created_at at time zone books.time_zone())::date
            else marketplace.due_date(case when t.due_amount > 0 then 'CHARGE' else 'PAYOUT' end, t.month)
        end as due_on
    from marketplace.transaction as t
    where t.status in ('NEW', 'FAILED')
),

debtor as (
    select d.profile
    from marketplace.open_amount as d
    where d.amount > 0
    group by d.profile
)

select
    o.transaction,
    o.profile,
    o.month,
    o.kind,
    o.amount,
    o.due_on,
    coalesce(l.attempt_number, 0) + 1 as attempt_number,
    coalesce(c.gateway, m.gateway) as gateway,
    coalesce(c.payment_means, m.payment_means) as payment_means,
    c.payment_attempt as refunds,
    coalesce(c.purse, g.purse) as purse,
    l.state as last_state,
    l.next_retry_at,
    coalesce(l.is_ours, false) as is_ours,
    coalesce(l.is_released, false) as is_released,
    coalesce(l.payment_means <> m.payment_means, false) as is_new_means,
    coalesce(l.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION', 'SUCCEEDED'), false) as is_live,
    exists (
        select from marketplace.payment_attempt as a
        where a.transaction in (o.transaction, o.corrects) and (a.alarm is not null or a.doubted_at is not null)
    ) as has_alarm,
    o.kind = 'PAYOUT' and exists (
        select from marketplace.payment_attempt as a
        where
            a.transaction = o.corrects and a.came_back > 0 and a.kind = 'PAYOUT'
            and a.payment_means = m.payment_means and not a.is_released
    ) as has_returned,
    o.kind = 'PAYOUT' and d.profile is not null as is_debtors,
    o.kind = 'PAYOUT' and exists (
        select from marketplace.payout_hold as h where h.profile = o.profile and h.released_at is null
    ) as is_held,
    o.kind = 'PAYOUT' and coalesce((
        select s.is_restricted
        from marketplace.means_status as s
        where s.payment_means = m.payment_means
        order by s.said_at desc, s.means_status desc
        limit 1
    ), false) as is_restricted
from open_one as o
left join marketplace.payment_means as m
    on o.profile = m.profile and o.kind = m.kind and m.ended_at is null
left join marketplace.gateway as g on m.gateway = g.gateway
left join debtor as d on o.profile = d.profile
left join marketplace.payment_attempt as c
    on o.kind = 'REFUND' and o.corrects = c.transaction and c.kind = 'CHARGE' and c.state = 'SUCCEEDED'
left join lateral (
    select
        a.attempt_number,
        a.state,
        a.next_retry_at,
        a.is_ours,
        a.is_released,
        a.payment_means
    from marketplace.payment_attempt as a
    where a.transaction = o.transaction and a.kind = o.kind
    order by a.attempt_number desc
    limit 1
) as l on true;

comment on view marketplace.payment_candidate is
'Every transaction that is to be charged, paid or given back, how, and how the last attempt ended. marketplace.due_transactions says which are due, why_not_paid tells a profile. amount in øre, of what is left after what was set off; is_debtors: a PAYOUT to somebody who owes us; is_held: to somebody whose payouts a person holds; is_restricted: the gateway takes no payment to its account; is_ours: our own balance did not suffice for the last attempt. Runs with its caller''s rights: row-level security decides.';
