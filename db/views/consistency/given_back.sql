create or replace view consistency.given_back as
with line as (
    select
        coalesce(l.gives_back, l.payment) as payment,
        coalesce(l.gives_back_method, case when m.is_rounding then c.payment_method else l.payment_method end)
            as payment_method,
        sum(l.amount) filter (where l.gives_back is null) as took,
        -sum(l.amount) filter (where l.gives_back is not null) as amount,
        -sum(l.amount) filter (where l.gives_back is not null and m.is_cash and l.gives_back_method = l.payment_method)
            as cash_amount
    from (
        select
            n.payment,
            n.payment_method,
            n.amount,
            n.gives_back,
            n.gives_back_method
        from billig.payment_line as n
        union all
        select
            u.payment,
            u.payment_method,
            u.amount,
            null,
            null
        from billig.part_payment as u
    ) as l
    inner join billig.payment_method as m on l.payment_method = m.payment_method
    inner join billig.payment_method as c on c.is_cash
    group by 1, 2
)

select
    l.payment,
    m.payment_method_name,
    case
        when l.amount > coalesce(l.took, 0) then 'more was given back than came in'
        when g.payment is null or g.amount <> l.amount or g.took <> l.took or g.cash_amount <> coalesce(l.cash_amount, 0)
            then 'what is counted is not what its lines say'
    end as problem,
    coalesce(l.took, 0) as took,
    l.amount,
    g.amount as counted_amount
from line as l
inner join billig.payment_method as m on l.payment_method = m.payment_method
left join billig.given_back as g on l.payment = g.payment and l.payment_method = g.payment_method
where
    l.amount is not null
    and (
        l.amount > coalesce(l.took, 0)
        or (g.amount, g.took, g.cash_amount) is distinct from (l.amount, l.took, coalesce(l.cash_amount, 0))
    )
union all
select
    p.payment,
    null,
    'it gives back what took no money, or gave some back itself',
    null,
    l.amount,
    null
from billig.payment_line as l
inner join billig.payment as p on l.payment = p.payment
inner join billig.payment as o on l.gives_back = o.payment
where
    o.kind not in ('SALE', 'EXCHANGE', 'CHANGE')
    -- the writes of a legacy client's transaction are one payment: a dearer price group, then a cheaper one
    or l.gives_back = l.payment and p.made_by <> 'TRIGGER';

comment on view consistency.given_back is
'What goes back says of which payment, and by no method more than came in by it (NOK); billig.given_back counts what the lines say. A payment that a trigger made for the writes of one transaction may give back some of what it took itself: that took no money, and gave none back, beyond what is left.';
