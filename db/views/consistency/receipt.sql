create or replace view consistency.receipt as
select
    l.payment,
    l.organisation,
    null::int as cash_point,
    'money moved and there is no receipt' as problem
from billig.transaction_log as l
inner join billig.payment as p on l.payment = p.payment
where
    p.disputed_payment is null
    and not exists (
        select from billig.receipt as r
        where r.payment = l.payment and r.organisation = l.organisation
    )
group by l.payment, l.organisation
union all
select
    r.payment,
    r.organisation,
    p.cash_point,
    case
        when p.cash_point is not null and r.receipt_number is null then 'a receipt of a cash point has no number'
        else 'a receipt has the number of another series'
    end
from billig.receipt as r
inner join billig.payment as p on r.payment = p.payment
left join billig.receipt_series as s on r.receipt_series = s.receipt_series
where
    p.cash_point is not null and r.receipt_number is null
    or r.receipt_number is not null
    and (
        s.cash_point is distinct from p.cash_point
        or s.organisation is distinct from case when p.cash_point is null then r.organisation end
    )
union all
select
    null,
    s.organisation,
    s.cash_point,
    'the numbers taken are not those that receipts have'
from billig.receipt_series as s
left join lateral (
    select
        max(r.transaction_number) as last_transaction,
        max(r.receipt_number) filter (where r.receipt_kind = 'SALE') as last_sale,
        max(r.receipt_number) filter (where r.receipt_kind = 'RETURN') as last_return,
        max(r.receipt_number) filter (where r.receipt_kind = 'BOTH') as last_both
    from billig.receipt as r
    where r.receipt_series = s.receipt_series
) as n on true
where
    (s.last_transaction, s.last_sale, s.last_return, s.last_both)
    is distinct from
    (coalesce(n.last_transaction, 0), coalesce(n.last_sale, 0), coalesce(n.last_return, 0), coalesce(n.last_both, 0));

comment on view consistency.receipt is
'Each payment has a receipt of each organisation whose tickets it was for, numbered where it was made at a cash point, in that cash point''s numbers; what went over none, in the organisation''s. The last numbers taken are those of the last receipts. That numbers have no gap is kept by constraint.';
