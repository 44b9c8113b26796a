create or replace view consistency.marketplace_carry as
with monthly as (
    select t.*, m.closed_at is not null as is_closed
    from marketplace.transaction as t
    inner join marketplace.month as m on t.month = m.month
    where t.kind = 'MONTHLY'
)

select
    coalesce(n.profile, b.profile) as profile,
    b.transaction,
    b.month,
    coalesce(b.carried_out, 0) as carried_out,
    n.transaction as next_transaction,
    coalesce(n.carried_in, 0) as carried_in,
    b.rolled_to,
    n.rolled_from
from (select * from monthly where is_closed) as b
full join (select * from monthly) as n
    on b.profile = n.profile and b.month = (n.month - interval '1 month')::date
where
    coalesce(b.carried_out, 0) <> coalesce(n.carried_in, 0)
    or case when b.status = 'ROLLED_OVER' then b.transaction end is distinct from n.rolled_from
    or case when n.rolled_from is not null then n.transaction end is distinct from b.rolled_to;

comment on view consistency.marketplace_carry is
'What a profile''s closed month carries out, NOK, its next month carries in; months that rolled over name each other.';
