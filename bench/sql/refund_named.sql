begin;
with payment as (
    insert into billig.payment (kind, seller, cash_point, made_by)
    values ('REFUND', 'bench_seller', 1, 'FUNCTION')
    returning payment
)

insert into billig.payment_line (payment, payment_method, amount)
select p.payment, 2, -sum(t.price)
from payment as p
cross join billig.ticket as t
where t.purchase >= %(start)s and t.purchase < %(stop)s
group by p.payment;
update billig.ticket
set
    refunded = localtimestamp, refunder = 'bench_seller', point_of_refund = 1,
    payment = currval('billig.payment_payment_seq')
where purchase >= %(start)s and purchase < %(stop)s;
commit;
