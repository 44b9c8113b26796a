create or replace view consistency.chargeback as
select
    max(c.payment) as payment,
    'more is charged back than came in' as problem,
    -sum(i.amount) as amount,
    coalesce(max(l.amount), 0) as expected_amount
from billig.payment as c
inner join billig.payment_line as i on c.payment = i.payment
inner join billig.payment_method as m on i.payment_method = m.payment_method
left join (
    select
        n.payment,
        n.payment_method,
        n.amount
    from billig.payment_line as n
    union all
    select
        u.payment,
        u.payment_method,
        u.amount
    from billig.part_payment as u
) as l
    on c.disputed_payment = l.payment and i.payment_method = l.payment_method and not m.is_cash
left join billig.payment as w on c.payment = w.disputed_payment and w.kind = 'CHARGEBACK_WON'
where c.kind = 'CHARGEBACK' and w.payment is null
group by c.disputed_payment, i.payment_method
having -sum(i.amount) > coalesce(max(l.amount), 0)
union all
select
    c.payment,
    case c.kind
        when 'CHARGEBACK' then 'of a payment that brought no money'
        else 'won of no chargeback'
    end,
    null,
    null
from billig.payment as c
inner join billig.payment as d on c.disputed_payment = d.payment
where (c.kind = 'CHARGEBACK_WON') <> (d.kind = 'CHARGEBACK') or d.kind not in ('SALE', 'EXCHANGE', 'CHANGE', 'CHARGEBACK')
union all
select
    s.payment,
    'another amount is won than was charged back',
    sum(s.amount) filter (where s.is_won),
    -sum(s.amount) filter (where not s.is_won)
from (
    -- what was won and what it takes back, by method and by ticket
    select
        w.payment,
        p.payment = w.payment as is_won,
        x.payment_method,
        x.ticket,
        x.amount
    from billig.payment as w
    inner join billig.payment as p on p.payment in (w.payment, w.disputed_payment)
    cross join lateral (
        select
            i.payment_method,
            null::bigint as ticket,
            i.amount
        from billig.payment_line as i
        where i.payment = p.payment
        union all
        select
            null,
            l.ticket,
            l.amount + l.fee_amount
        from billig.transaction_log as l
        where l.payment = p.payment
    ) as x
    where w.kind = 'CHARGEBACK_WON' and (w.payment = p.payment or p.kind = 'CHARGEBACK')
) as s
group by s.payment, s.payment_method, s.ticket
having sum(s.amount) <> 0
union all
select distinct
    p.payment,
    'its rows are of another type',
    null::numeric,
    null::numeric
from billig.payment as p
inner join billig.transaction_log as l on p.payment = l.payment
inner join billig.transaction_type as y on l.transaction_type = y.transaction_type
where p.kind in ('CHARGEBACK', 'CHARGEBACK_WON') and p.kind <> y.transaction_type_name
union all
select
    l.disputed_payment,
    'more is lost to disputes than was charged',
    l.amount + coalesce(k.amount, 0),
    coalesce(c.amount, 0)
from (
    select
        b.disputed_payment,
        sum(b.amount) as amount
    from billig.dispute_loss as b
    where b.won_at is null
    group by b.disputed_payment
) as l
left join (
    select
        b.payment,
        sum(b.amount) as amount
    from billig.charged_by as b
    group by b.payment
) as c on l.disputed_payment = c.payment
left join lateral (
    select -sum(i.amount) as amount
    from billig.payment as k
    inner join billig.payment_line as i on k.payment = i.payment
    where
        k.disputed_payment = l.disputed_payment and k.kind = 'CHARGEBACK'
        and not exists (select from billig.payment as w where w.disputed_payment = k.payment and w.kind = 'CHARGEBACK_WON')
) as k on true
where l.amount + coalesce(k.amount, 0) > coalesce(c.amount, 0)
union all
select
    c.payment,
    'won of the tickets or of what was lost beyond them, not of both',
    null,
    l.amount
from billig.dispute_loss as l
inner join billig.payment as c on l.dispute_reference = c.provider_reference and c.kind = 'CHARGEBACK'
left join billig.payment as w on c.payment = w.disputed_payment and w.kind = 'CHARGEBACK_WON'
where (w.payment is null) <> (l.won_at is null);

comment on view consistency.chargeback is
'What a provider takes back came in: by no method more is charged back of a payment than came in by it, of chargebacks that were not won (cash never is), only payments that brought money are charged back, and what is won is the chargeback again, the other way, by method and by ticket; what disputes took beyond what there was (billig.dispute_loss) is, with what those of the payment hold of its tickets, no more than was charged, and is won with the rest of its dispute. amount, expected_amount: NOK. That a ticket has what its rows say is consistency.log_replay''s.';
