create or replace view consistency.marketplace_account as
with entered as (
    select
        e.profile,
        e.purse,
        s.account,
        sum(s.amount) as amount
    from marketplace.account_entry as e
    cross join lateral (
        values (e.debit, e.amount), (e.credit, -e.amount)
    ) as s (account, amount)
    group by e.profile, e.purse, s.account
),

attempt as (
    select
        a.*,
        a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION') as is_under_way,
        a.amount / 100.0 as nok
    from marketplace.payment_attempt as a
),

-- What transactions, attempts and purses say themselves.
stands as (
    select
        t.profile,
        case when t.due_amount > 0 then 'RECEIVABLE' else 'PAYABLE' end as account,
        t.left_amount as amount
    from marketplace.transaction as t
    where t.status in ('NEW', 'FAILED')
    union all
    -- under way: no more receivable or payable, and not done
    select
        a.profile,
        x.account,
        x.amount
    from attempt as a
    cross join lateral (
        values
        (case when a.kind = 'CHARGE' then 'RECEIVABLE' else 'PAYABLE' end, case when a.kind = 'CHARGE' then -a.nok else a.nok end),
        (case when a.kind = 'CHARGE' then 'CHARGING' else 'PAYING' end, case when a.kind = 'CHARGE' then a.nok else -a.nok end)
    ) as x (account, amount)
    where a.is_under_way
    union all
    select
        a.profile,
        x.account,
        x.amount / 100.0
    from attempt as a
    cross join lateral (
        values
        ('DISPUTED', a.disputed),
        ('LOST', a.lost)
    ) as x (account, amount)
    where x.amount <> 0
    union all
    select
        a.profile,
        'LOST',
        -m.amount / 100.0
    from marketplace.purse_movement as m
    inner join marketplace.payment_attempt as a on m.payment_attempt = a.payment_attempt
),

account as (
    select
        coalesce(e.profile, s.profile) as profile,
        coalesce(e.account, s.account) as account,
        coalesce(s.amount, 0) as expected,
        coalesce(e.amount, 0) as found
    from (
        select
            x.profile,
            x.account,
            sum(x.amount) as amount
        from entered as x
        where
            x.profile is not null
            and x.account in ('RECEIVABLE', 'CHARGING', 'PAYABLE', 'PAYING', 'DISPUTED', 'LOST', 'RETURNED')
        group by x.profile, x.account
    ) as e
    full join (
        select
            x.profile,
            x.account,
            sum(x.amount) as amount
        from stands as x
        group by x.profile, x.account
    ) as s on e.profile = s.profile and e.account = s.account
)

select
    a.profile,
    null as purse,
    a.account as what,
    a.expected,
    a.found
from account as a
where a.expected <> a.found
union all
-- Money that we have: what is under way out of a purse is in it still.
select
    null,
    p.purse,
    'PURSE',
    (p.available + coalesce((
        select sum(u.amount)
        from attempt as u
        where u.purse = p.purse and u.is_under_way and u.kind <> 'CHARGE'
    ), 0)) / 100.0,
    coalesce((
        select sum(e.amount)
        from entered as e
        where e.purse = p.purse and e.account = 'PURSE'
    ), 0)
from marketplace.purse as p
where
    p.available + coalesce((
        select sum(u.amount)
        from attempt as u
        where u.purse = p.purse and u.is_under_way and u.kind <> 'CHARGE'
    ), 0)
    <> 100 * coalesce((
        select sum(e.amount)
        from entered as e
        where e.purse = p.purse and e.account = 'PURSE'
    ), 0)
union all
select
    null,
    null,
    'TRANSFER',
    0,
    sum(e.amount)
from entered as e
where e.account = 'TRANSFER'
having sum(e.amount) <> 0
union all
-- What was set off stands on both transactions.
select
    t.profile,
    null,
    format('OFFSET of transaction %s', t.transaction),
    coalesce(o.amount, 0),
    t.offset_amount - t.offset_in
from marketplace.transaction as t
left join (
    select
        x.transaction,
        sum(x.amount) as amount
    from (
        select
            s.debt as transaction,
            s.amount
        from marketplace.set_off as s
        union all
        select
            s.claim,
            -s.amount
        from marketplace.set_off as s
    ) as x
    group by x.transaction
) as o on t.transaction = o.transaction
where t.offset_amount - t.offset_in <> coalesce(o.amount, 0)
union all
select
    t.profile,
    null,
    format('corrections in transaction %s', t.transaction),
    coalesce(j.amount, 0),
    t.corrected
from marketplace.transaction as t
left join (
    select
        x.transaction,
        sum(x.amount) as amount
    from marketplace.adjustment as x
    group by x.transaction
) as j on t.transaction = j.transaction
where t.corrected <> coalesce(j.amount, 0)
union all
-- What corrections have credited of each charge.
select
    a.profile,
    null,
    format('credited of attempt %s', a.payment_attempt),
    marketplace.credited_of_charge(a.amount, t.billed, t.credited) / 100.0,
    a.credited / 100.0
from attempt as a
inner join marketplace.transaction as t on a.transaction = t.transaction
where
    a.kind = 'CHARGE' and a.state = 'SUCCEEDED'
    and a.credited <> marketplace.credited_of_charge(a.amount, t.billed, t.credited);

comment on view consistency.marketplace_account is
'Person by person, NOK: the accounts that entries add up to are what transactions have left, attempts have under way, in dispute and lost, and purses hold; what was set off, corrected and credited stands where it was taken from.';
