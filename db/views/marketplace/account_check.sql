create or replace view marketplace.account_check as
with charge as (
    select
        a.payment_attempt,
        a.transaction,
        a.profile,
        a.amount,
        a.credited
    from marketplace.payment_attempt as a
    where a.kind = 'CHARGE' and a.state = 'SUCCEEDED'
),

of_charge as (
    select
        t.taken_by as payment_attempt,
        t.profile,
        sum(t.taken) as taken,
        ceil(100 * sum(marketplace.credited_beyond(t.billed - t.forgiven, t.taken, t.credited))) as credited
    from marketplace.transaction as t
    where t.taken_by is not null
    group by t.taken_by, t.profile
),

stands as (
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
    -- What a gateway is asked for, or has done, is what its transaction has left: what was set off and settled is none of it.
    select
        a.profile,
        format('asked of transaction %s by attempt %s', a.transaction, a.payment_attempt),
        abs(t.left_amount),
        a.amount / 100.0
    from marketplace.payment_attempt as a
    inner join marketplace.transaction as t on a.transaction = t.transaction
    where a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION', 'SUCCEEDED')
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
        and x.account in (
            'RECEIVABLE', 'CHARGING', 'PAYABLE', 'PAYING', 'DISPUTED', 'LOST', 'RETURNED', 'FORGIVEN', 'BY_HAND', 'OWNER',
            'BROUGHT'
        )
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
    -- What a person settled, and forgave, likewise.
    select
        t.profile,
        format('settled of transaction %s', t.transaction),
        0,
        t.settled
    from marketplace.transaction as t
    where t.settled <> 0
    union all
    select
        s.profile,
        format('settled of transaction %s', s.transaction),
        s.amount,
        0
    from marketplace.settlement as s
    union all
    select
        t.profile,
        format('forgiven of transaction %s', t.transaction),
        0,
        t.forgiven
    from marketplace.transaction as t
    where t.forgiven <> 0
    union all
    select
        f.profile,
        format('forgiven of transaction %s', f.transaction),
        f.amount,
        0
    from marketplace.settlement_part as f
    union all
    -- What settlements came to, what was given and asked by hand, and balances brought over, is what the accounts have of it.
    select
        s.profile,
        case when s.kind in ('REDUCED', 'WRITTEN_OFF') then 'FORGIVEN' else 'OWNER' end,
        s.amount,
        0
    from marketplace.settlement as s
    union all
    select
        t.profile,
        case when t.kind = 'BROUGHT' then 'BROUGHT' else 'BY_HAND' end,
        -t.due_amount,
        0
    from marketplace.transaction as t
    where t.kind in ('GOODWILL', 'FEE', 'BROUGHT')
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
    -- What corrections have credited of each month, and of each charge.
    select
        x.profile,
        format('credited of transaction %s', x.transaction),
        sum(x.expected),
        sum(x.found)
    from (
        select
            j.profile,
            j.old_transaction as transaction,
            -j.amount as expected,
            0 as found
        from marketplace.adjustment as j
        where j.side = 'ADVERTISEMENT'
        union all
        select
            t.profile,
            t.corrects,
            -t.due_amount,
            0
        from marketplace.transaction as t
        where t.kind = 'ADJUSTMENT' and starts_with(t.request_id, 'withheld ')
        union all
        select
            t.profile,
            t.transaction,
            0,
            t.credited
        from marketplace.transaction as t
        where t.credited <> 0
    ) as x
    group by x.profile, x.transaction
    union all
    select
        a.profile,
        format('credited of attempt %s', a.payment_attempt),
        coalesce(m.credited, 0) / 100.0,
        a.credited / 100.0
    from charge as a
    left join of_charge as m on a.payment_attempt = m.payment_attempt
    union all
    -- Of which months' clicks each charge took the money: its own first, then those that went on to it.
    select
        a.profile,
        format('taken of transaction %s by attempt %s', a.transaction, a.payment_attempt),
        least(coalesce(t.billed, 0) - t.forgiven, a.amount / 100.0),
        case when t.taken_by = a.payment_attempt then t.taken else 0 end
    from charge as a
    inner join marketplace.transaction as t on a.transaction = t.transaction
    union all
    select
        a.profile,
        format('taken by attempt %s', a.payment_attempt),
        a.amount / 100.0,
        m.taken
    from charge as a
    inner join of_charge as m on a.payment_attempt = m.payment_attempt
    where m.taken * 100 > a.amount
    union all
    select
        a.profile,
        format('taken of transaction %s, which went on to transaction %s', t.transaction, a.transaction),
        s.amount,
        0
    from charge as a
    inner join (
        select
            y.rolled_to as transaction,
            y.transaction as source,
            y.carried_out as amount
        from marketplace.transaction as y
        where y.rolled_to is not null and y.carried_out > 0
        union all
        select
            o.claim,
            o.debt,
            o.amount
        from marketplace.set_off as o
        where o.is_rest
    ) as s on a.transaction = s.transaction
    inner join marketplace.transaction as t on s.source = t.transaction
    left join of_charge as m on a.payment_attempt = m.payment_attempt
    where
        t.billed - t.forgiven > 0 and t.taken_by is distinct from a.payment_attempt
        and coalesce(m.taken, 0) + 0.01 <= a.amount / 100.0
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
'Where a profile''s account and what stands elsewhere do not agree, NOK: the accounts that entries add up to are what transactions have left, and attempts have under way, in dispute and lost; an attempt is of what its transaction has left; what was set off, settled, forgiven, corrected, taken and credited stands where it was taken from. No row: they agree.';
