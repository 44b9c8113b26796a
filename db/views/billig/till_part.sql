create or replace view billig.till_part as
select
    p.payment,
    case
        when s.amount is not null then s.stand_amount / s.amount
        when l.amount < 0 then l.stand_amount / l.amount
        else 1
    end as sold,
    case
        -- what came in for the old tickets is what the new are paid with, less what was paid, or with what went back
        when s.amount is not null and s.amount <> l.amount
            then least(greatest((s.stand_amount - l.stand_amount) / (s.amount - l.amount), 0), 1)
        when l.amount < 0 then l.stand_amount / l.amount
        else 1
    end as back
from billig.payment as p
cross join lateral (
    select
        coalesce(sum(i.amount), 0) as amount,
        coalesce(sum(i.amount) filter (where not billig.is_web_payment(o.payment, o.seller, o.cash_point)), 0)
            as stand_amount
    from billig.payment_line as i
    left join billig.payment as o on i.gives_back = o.payment
    where i.payment = p.payment
) as l
cross join lateral (
    -- of an exchange: what the new tickets are paid with
    select
        sum(x.amount) as amount,
        coalesce(sum(x.amount) filter (where not billig.is_web_payment(o.payment, o.seller, o.cash_point)), 0)
            as stand_amount
    from billig.exchange_source as x
    inner join billig.payment as o on x.gives_back = o.payment
    where x.payment = p.payment
) as s;

comment on view billig.till_part is
'Which part of a payment counts in the X and Z reports of its till, 0 to 1: of what was sold, and of what was given back. What gives back a payment made on the web does not count, nor what an exchange carries over of it. Ask by payment.';
