create or replace view billig.own_payment as
select
    payment,
    kind,
    purchase,
    exchange,
    payment_time,
    seller,
    cash_point,
    override_used,
    made_by
from billig.payment
where xact_id = pg_current_xact_id() and payment_time >= now();

comment on view billig.own_payment is
'Payments that this very transaction made: the only ones it may add lines and log rows to. Transaction ids come round again in another cluster, a restored dump''s; the time tells those apart.';
