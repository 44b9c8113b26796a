create or replace view consistency.marketplace_total as
select
    t.transaction,
    t.month,
    t.profile,
    t.advertisement_amount,
    coalesce(s.advertisement_amount, 0) as advertisement_subtotals,
    t.website_amount,
    coalesce(s.website_amount, 0) as website_subtotals
from marketplace.transaction as t
left join (
    select
        x.transaction,
        sum(x.advertisement_amount) as advertisement_amount,
        sum(x.website_amount) as website_amount
    from marketplace.transaction_subtotal as x
    group by x.transaction
) as s on t.transaction = s.transaction
where
    t.kind = 'MONTHLY'
    and (
        t.advertisement_amount <> coalesce(s.advertisement_amount, 0)
        or t.website_amount <> coalesce(s.website_amount, 0)
    );

comment on view consistency.marketplace_total is
'The amounts of a MONTHLY transaction are the sums of its subtotals.';
