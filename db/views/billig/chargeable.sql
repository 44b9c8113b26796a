create or replace view billig.chargeable as
select
    l.payment,
    m.payment_method_name,
    l.amount - coalesce(g.amount, 0) as amount
from billig.payment_line as l
inner join billig.payment_method as m on l.payment_method = m.payment_method
left join billig.given_back as g on l.payment = g.payment and l.payment_method = g.payment_method
where l.gives_back is null and l.amount > 0 and not m.is_cash and not m.is_rounding and not m.is_held
union all
select
    u.payment,
    m.payment_method_name,
    u.amount - coalesce(g.amount, 0)
from billig.part_payment as u
inner join billig.payment_method as m on u.payment_method = m.payment_method
left join billig.given_back as g on u.payment = g.payment and u.payment_method = g.payment_method;

comment on view billig.chargeable is
'What a provider can still take back of a payment, NOK by method: what came in by it, less what was given back of it. Cash is not charged back.';
