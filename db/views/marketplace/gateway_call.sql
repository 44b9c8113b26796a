create or replace view marketplace.gateway_call as
select
    a.payment_attempt,
    a.kind,
    a.amount,
    a.currency,
    a.idempotency_key,
    a.request,
    a.submitted_at,
    a.gateway_id,
    a.batch
from marketplace.payment_attempt as a;

comment on view marketplace.gateway_call is
'An attempt as the gateway is asked for it: pybridge.payments.gateways.Request. amount in øre.';
