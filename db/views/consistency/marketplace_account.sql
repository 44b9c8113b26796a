create or replace view consistency.marketplace_account as
with purse_entry as (
    select
        e.purse,
        sum(case when e.debit = 'PURSE' then e.amount else -e.amount end) as amount
    from marketplace.account_entry as e
    where e.purse is not null
    group by e.purse
),

under_way as (
    select
        a.purse,
        sum(a.amount) as amount
    from marketplace.payment_attempt as a
    where a.kind <> 'CHARGE' and a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION')
    group by a.purse
)

select
    c.profile,
    c.what,
    c.expected,
    c.found
from marketplace.account_check as c
union all
-- What is under way out of a purse is in it still.
select
    null,
    format('purse %s', p.purse),
    (p.available + coalesce(u.amount, 0)) / 100.0,
    coalesce(e.amount, 0)
from marketplace.purse as p
left join under_way as u on p.purse = u.purse
left join purse_entry as e on p.purse = e.purse
where (p.available + coalesce(u.amount, 0)) / 100.0 <> coalesce(e.amount, 0)
union all
select
    null,
    'between purses',
    0,
    sum(case when e.debit = 'TRANSFER' then e.amount else -e.amount end)
from marketplace.account_entry as e
where 'TRANSFER' in (e.debit, e.credit)
having sum(case when e.debit = 'TRANSFER' then e.amount else -e.amount end) <> 0;

comment on view consistency.marketplace_account is
'Person by person, NOK: accounts are what transactions, attempts and purses say (marketplace.account_check), and purses are what entries add up to.';
