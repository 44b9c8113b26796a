create or replace view billig.charged_by as
select
    c.payment,
    c.payment_method,
    min(c.organisation) as organisation,
    sum(c.amount) as amount
from (
    select
        l.payment,
        l.payment_method,
        l.organisation,
        l.amount
    from billig.payment_line as l
    inner join billig.payment_method as m on l.payment_method = m.payment_method
    where l.gives_back is null and l.amount > 0 and not m.is_cash and not m.is_rounding and not m.is_held
    union all
    select
        p.payment,
        o.payment_method,
        o.organisation,
        o.amount
    from billig.owed_back as o
    inner join billig.payment as p on o.provider_reference = p.provider_reference
    where o.reopens is null
) as c
group by c.payment, c.payment_method;

comment on view billig.charged_by is
'What a provider took with each payment, NOK by method, positive: for tickets, and what bought nothing by itself (billig.owed_back). Of that it can take no more back. Ask by payment.';
