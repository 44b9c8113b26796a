create or replace view marketplace.open_gateways as
select a.gateway
from marketplace.payment_attempt as a
where a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION') or a.doubted_at is not null
union
select s.gateway
from marketplace.stray as s
where s.resolution is null
union
select b.gateway
from marketplace.gateway_balance as b;

comment on view marketplace.open_gateways is
'Gateways with something to send or to ask, or with something of ours that no attempt explains; and those that have said what they have of our money, and are asked again.';
