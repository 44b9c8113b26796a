create or replace view report.unregistered as
select 'SELLER' as kind, s.seller::text as name, s.first_seen as first_seen
from billig.seller as s
where s.registered_at is null
union all
select 'CASH_POINT', c.cash_point::text, null
from billig.cash_point as c
where not c.is_registered;

comment on view report.unregistered is
'What legacy writes and services named and nobody registered: taken, so that nothing is lost, and listed here. billig.register_seller and billig.register_cash_point register it.';
comment on column report.unregistered.kind is 'SELLER or CASH_POINT';
comment on column report.unregistered.name is 'The name, or the number';
comment on column report.unregistered.first_seen is 'When it was first named; null: of a cash point that is not kept';
