begin;
with payment as (
    insert into billig.payment (kind, seller, cash_point, made_by)
    values ('REFUND', 'bench_seller', 1, 'FUNCTION')
    returning payment
)

insert into billig.payment_line (payment, payment_method, line, amount, gives_back, gives_back_method)
select p.payment, 2, row_number() over (order by t.payment), -sum(t.price), t.payment, 2
from payment as p
cross join billig.ticket as t
where t.purchase >= %(start)s and t.purchase < %(stop)s
group by p.payment, t.payment;
update billig.ticket
set
    refunded = localtimestamp, refunder = 'bench_seller', point_of_refund = 1,
    payment = currval('billig.payment_payment_seq')
where purchase >= %(start)s and purchase < %(stop)s;
commit;
