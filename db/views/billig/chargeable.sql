create or replace view billig.chargeable as
select
    l.payment,
    m.payment_method_name,
    l.amount + coalesce((
        select sum(i.amount)
        from billig.payment as c
        left join billig.payment as w on c.payment = w.disputed_payment and w.kind = 'CHARGEBACK_WON'
        inner join billig.payment_line as i on c.payment = i.payment and l.payment_method = i.payment_method
        where c.disputed_payment = l.payment and c.kind = 'CHARGEBACK' and w.payment is null
    ), 0) as amount
from billig.payment_line as l
inner join billig.payment_method as m on l.payment_method = m.payment_method
where l.amount > 0 and not m.is_cash and not m.is_rounding;

comment on view billig.chargeable is
'What a provider can still take back of a payment, NOK by method: what came in by it, less chargebacks that were not won. Cash is not charged back.';
