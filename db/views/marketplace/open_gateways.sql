create or replace view marketplace.open_gateways as
select distinct a.gateway
from marketplace.payment_attempt as a
where a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION');

comment on view marketplace.open_gateways is 'Gateways with something to send or to ask.';
