begin;
update billig.ticket
set refunded = localtimestamp, refunder = 'bench_seller', point_of_refund = 1
where purchase >= %(start)s and purchase < %(stop)s;
commit;
