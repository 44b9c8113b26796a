create or replace view billig.own_payment as
select
    p.payment,
    p.kind,
    p.purchase,
    p.exchange,
    p.payment_time,
    p.seller,
    p.cash_point,
    p.override_used,
    p.made_by,
    p.till_session
from billig.payment as p
where
    p.xact_id = pg_current_xact_id()
    and p.payment_time >= now()
    and (
        p.till_session is null
        or (select s.closed_at from billig.till_session as s where s.till_session = p.till_session) is null
    );

comment on view billig.own_payment is
'Payments that this very transaction made, and whose till session it has not closed since: the only ones it may add lines to. Transaction ids come round again in another cluster, a restored dump''s; the time tells those apart.';
