create or replace view consistency.marketplace_month as
select
    t.month,
    t.transaction,
    format('transaction is %s, its month is %s', t.status, case when m.closed_at is null then 'open' else 'closed' end)
    as problem
from marketplace.transaction as t
inner join marketplace.month as m on t.month = m.month
where t.kind = 'MONTHLY' and (t.status = 'CURRENT') <> (m.closed_at is null)
union all
select
    max(m.month),
    null,
    'no month is open'
from marketplace.month as m
having count(*) > 0 and count(*) filter (where m.closed_at is null) = 0
union all
select
    m.month,
    null,
    'an earlier month is open'
from marketplace.month as m
inner join marketplace.month as e on m.previous_month = e.month
where e.closed_at is null;

comment on view consistency.marketplace_month is
'The newest month is the open one; MONTHLY transactions are CURRENT in it, and in no closed one.';
