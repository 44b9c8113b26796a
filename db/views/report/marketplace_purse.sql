create or replace view report.marketplace_purse as
select
    p.purse,
    g.gateways,
    (p.came_in / 100.0)::numeric(14, 2) as came_in,
    (p.committed / 100.0)::numeric(14, 2) as committed,
    (p.came_back / 100.0)::numeric(14, 2) as came_back,
    (p.withdrawn / 100.0)::numeric(14, 2) as withdrawn,
    (p.reserve / 100.0)::numeric(14, 2) as reserve,
    (p.available / 100.0)::numeric(14, 2) as available
from marketplace.purse as p
left join (
    select
        x.purse,
        string_agg(x.gateway, ', ' order by x.gateway) as gateways
    from marketplace.gateway as x
    group by x.purse
) as g on p.purse = g.purse;

comment on view report.marketplace_purse is
'Where the marketplace''s money lies, a row for each purse, NOK. available = came_in - committed + came_back - withdrawn + reserve. Nothing is paid out of a purse that has it not.';
comment on column report.marketplace_purse.purse is 'Its name';
comment on column report.marketplace_purse.gateways is 'The gateways that use it now; null: none';
comment on column report.marketplace_purse.came_in is 'NOK of charges that succeeded';
comment on column report.marketplace_purse.committed is 'NOK of payouts and refunds that succeeded, or are under way';
comment on column report.marketplace_purse.came_back is 'NOK of payouts and refunds that came back from the bank';
comment on column report.marketplace_purse.withdrawn is 'NOK of charges that a gateway took back: in dispute, and lost';
comment on column report.marketplace_purse.reserve is 'NOK that the operator put in, less what was taken out, fees and transfers included';
comment on column report.marketplace_purse.available is 'NOK that may be paid now; below 0: as much is missing';
