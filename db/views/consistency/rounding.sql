create or replace view consistency.rounding as
select
    l.payment,
    l.amount as rounding,
    c.amount as cash
from billig.payment_line as l
inner join billig.payment_method as r on l.payment_method = r.payment_method
cross join billig.payment_method as m
left join billig.payment_line as c on l.payment = c.payment and m.payment_method = c.payment_method
where
    r.is_rounding and m.is_cash
    and (c.payment is null or c.amount <> billig.round_cash(c.amount + l.amount));

comment on view consistency.rounding is
'Cash alone is rounded, to whole kroner, 50 øre away from zero (NOK): a rounding goes with a cash line, and is what rounding cash and rounding together gives.';
