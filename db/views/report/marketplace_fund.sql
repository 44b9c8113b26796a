create or replace view report.marketplace_fund as
select
    (f.came_in / 100.0)::numeric(14, 2) as came_in,
    (f.committed / 100.0)::numeric(14, 2) as committed,
    (f.came_back / 100.0)::numeric(14, 2) as came_back,
    (f.withdrawn / 100.0)::numeric(14, 2) as withdrawn,
    (f.reserve / 100.0)::numeric(14, 2) as reserve,
    (f.available / 100.0)::numeric(14, 2) as available,
    coalesce(c.to_charge, 0)::numeric(14, 2) as to_charge,
    coalesce(c.to_pay, 0)::numeric(14, 2) as to_pay
from marketplace.fund as f
left join (
    select
        sum(t.left_amount) filter (where t.due_amount > 0) as to_charge,
        -sum(t.left_amount) filter (
            where t.due_amount < 0 and not exists (
                select from marketplace.payment_attempt as a
                where
                    a.transaction = t.transaction
                    and a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION', 'SUCCEEDED')
            )
        ) as to_pay
    from marketplace.transaction as t
    where t.status in ('NEW', 'FAILED')
) as c on true;

comment on view report.marketplace_fund is
'The money that payouts and refunds are made from, NOK; one row, of all purses (report.marketplace_purse). available = came_in - committed + came_back - withdrawn + reserve.';
comment on column report.marketplace_fund.came_in is 'NOK of charges that succeeded';
comment on column report.marketplace_fund.committed is 'NOK of payouts and refunds that succeeded, or are under way';
comment on column report.marketplace_fund.came_back is 'NOK of payouts and refunds that came back from the bank';
comment on column report.marketplace_fund.withdrawn is 'NOK of charges that a gateway took back: in dispute, and lost';
comment on column report.marketplace_fund.reserve is 'NOK that the operator put in, less what was taken out, fees included';
comment on column report.marketplace_fund.available is 'NOK that may be paid now; below 0: as much is missing';
comment on column report.marketplace_fund.to_charge is 'NOK of closed months that is not set off, and not charged yet';
comment on column report.marketplace_fund.to_pay is 'NOK of closed months that is not set off, and not paid yet, refunds included';
