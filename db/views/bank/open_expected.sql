create or replace view bank.open_expected as
select
    x.expected,
    x.route,
    r.route_name,
    r.account,
    x.day,
    x.day + r.days_min as first_day,
    x.day + r.days_max as last_day,
    x.cash_point,
    x.reference,
    x.goods,
    x.amount,
    x.fee,
    x.amount - x.fee as net,
    r.tolerance,
    r.run_max
from bank.expected as x
inner join bank.route as r on x.route = r.route
where
    x.amount <> 0
    and not exists (
        select from bank.match_expected as c
        left join bank.released_expected as f on c.expected = f.expected and c.claim = f.claim
        where c.expected = x.expected and f.expected is null
    );

comment on view bank.open_expected is
'Items that no match has, suggested ones included. first_day, last_day: when the money should be there; net: NOK to come, less the fee.';
