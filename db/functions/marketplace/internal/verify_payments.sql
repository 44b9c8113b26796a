create or replace function marketplace.verify_payments(p_month date)
returns table (problem text, profile bigint, transaction bigint, expected numeric, found numeric, detail text)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select x.problem, t.profile, t.transaction, x.expected, x.found, x.detail
    from marketplace.transaction as t
    left join lateral (
        select
            count(*) filter (where a.state = 'SUCCEEDED') as succeeded,
            sum(a.amount) filter (where a.state = 'SUCCEEDED' and a.kind = 'CHARGE') as charged,
            -sum(a.amount) filter (where a.state = 'SUCCEEDED' and a.kind <> 'CHARGE') as paid,
            count(*) filter (
                where a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION')
            ) as live,
            string_agg(format('attempt %s: %s', a.payment_attempt, a.alarm), ', ' order by a.payment_attempt)
            filter (where a.alarm is not null) as alarms
        from marketplace.payment_attempt as a
        where a.transaction = t.transaction
    ) as a on true
    cross join lateral (
        values
        (
            'NOT_PAID', t.left_amount, 0,
            t.status = 'EXECUTED' and t.left_amount <> 0 and a.succeeded = 0,
            'NOK due and not set off, and executed without a payment that succeeded'
        ),
        (
            'PAID_OTHERWISE', coalesce(t.left_amount, 0), (coalesce(a.charged, 0) + coalesce(a.paid, 0)) / 100.0,
            a.succeeded > 0 and (coalesce(a.charged, 0) + coalesce(a.paid, 0)) <> coalesce(t.left_amount, 0) * 100,
            'NOK due and not set off, and moved: charged above 0, paid below'
        ),
        (
            'PAID_AND_NOT_EXECUTED', t.left_amount, (coalesce(a.charged, 0) + coalesce(a.paid, 0)) / 100.0,
            t.status <> 'EXECUTED' and a.succeeded > 0,
            format('NOK due, and moved; status is %s', t.status)
        ),
        (
            'ATTEMPTED', null, null,
            a.live > 0 and t.status not in ('NEW', 'FAILED'),
            format('a payment is under way; status is %s', t.status)
        ),
        ('PAYMENT_ALARM', null, null, a.alarms is not null, format('a person must look: %s', a.alarms))
    ) as x (problem, expected, found, is_wrong, detail)
    where t.month = p_month and x.is_wrong;
end;

comment on function marketplace.verify_payments(date) is
'Whether what moved is what a month''s transactions have due, and their status says: one row per discrepancy; NOK. Part of verify_month.';
