create or replace view marketplace.account_check as
with stands as (
    -- What transactions, attempts and purses say themselves.
    select
        t.profile,
        case when t.due_amount > 0 then 'RECEIVABLE' else 'PAYABLE' end as what,
        t.left_amount as expected,
        0::numeric as found
    from marketplace.transaction as t
    where t.status in ('NEW', 'FAILED')
    union all
    -- Under way: no more receivable or payable, and not done.
    select
        a.profile,
        x.what,
        x.amount / 100.0,
        0
    from marketplace.payment_attempt as a
    cross join lateral (
        values
        ('RECEIVABLE', case when a.kind = 'CHARGE' then -a.amount end),
        ('CHARGING', case when a.kind = 'CHARGE' then a.amount end),
        ('PAYABLE', case when a.kind <> 'CHARGE' then a.amount end),
        ('PAYING', case when a.kind <> 'CHARGE' then -a.amount end)
    ) as x (what, amount)
    where a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION') and x.amount is not null
    union all
    select
        a.profile,
        x.what,
        x.amount / 100.0,
        0
    from marketplace.payment_attempt as a
    cross join lateral (
        values
        ('DISPUTED', a.disputed),
        ('LOST', a.lost)
    ) as x (what, amount)
    where x.amount <> 0
    union all
    select
        a.profile,
        'LOST',
        -m.amount / 100.0,
        0
    from marketplace.purse_movement as m
    inner join marketplace.payment_attempt as a on m.payment_attempt = a.payment_attempt
    union all
    -- What the entries add up to.
    select
        e.profile,
        x.account,
        0,
        x.amount
    from marketplace.account_entry as e
    cross join lateral (
        values
        (e.debit, e.amount),
        (e.credit, -e.amount)
    ) as x (account, amount)
    where
        e.profile is not null
        and x.account in ('RECEIVABLE', 'CHARGING', 'PAYABLE', 'PAYING', 'DISPUTED', 'LOST', 'RETURNED')
    union all
    -- What was set off, and corrected, stands on the transactions that it is of.
    select
        t.profile,
        format('OFFSET of transaction %s', t.transaction),
        0,
        t.offset_amount - t.offset_in
    from marketplace.transaction as t
    where t.offset_amount <> 0 or t.offset_in <> 0
    union all
    select
        s.profile,
        format('OFFSET of transaction %s', x.transaction),
        x.amount,
        0
    from marketplace.set_off as s
    cross join lateral (
        values
        (s.debt, s.amount),
        (s.claim, -s.amount)
    ) as x (transaction, amount)
    union all
    select
        t.profile,
        format('corrections in transaction %s', t.transaction),
        0,
        t.corrected
    from marketplace.transaction as t
    where t.corrected <> 0
    union all
    select
        j.profile,
        format('corrections in transaction %s', j.transaction),
        j.amount,
        0
    from marketplace.adjustment as j
    union all
    -- What corrections have credited of each charge.
    select
        a.profile,
        format('credited of attempt %s', a.payment_attempt),
        marketplace.credited_of_charge(a.amount, t.billed, t.credited) / 100.0,
        a.credited / 100.0
    from marketplace.payment_attempt as a
    inner join marketplace.transaction as t on a.transaction = t.transaction
    where a.kind = 'CHARGE' and a.state = 'SUCCEEDED'
)

select
    s.profile,
    s.what,
    sum(s.expected) as expected,
    sum(s.found) as found
from stands as s
group by s.profile, s.what
having sum(s.expected) <> sum(s.found);

comment on view marketplace.account_check is
'Where a profile''s account and what stands elsewhere do not agree, NOK: the accounts that entries add up to are what transactions have left, and attempts have under way, in dispute and lost; what was set off, corrected and credited stands where it was taken from. No row: they agree.';
