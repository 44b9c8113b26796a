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
    x.amount - coalesce(p.taken, 0) as amount,
    case when p.taken is null then x.fee else books.share_of(x.fee, x.amount, x.amount - p.taken, x.amount) end as fee,
    x.amount - coalesce(p.taken, 0)
    - case when p.taken is null then x.fee else books.share_of(x.fee, x.amount, x.amount - p.taken, x.amount) end as net,
    r.tolerance,
    r.run_max,
    x.amount as whole,
    x.reference_key,
    x.is_return
from bank.expected as x
inner join bank.route as r on x.route = r.route
-- by the index of those that are taken in part: few
left join bank.match_expected as p
    on
        x.expected = p.expected and p.taken <> p.whole and p.taken <> 0
        and not exists (select from bank.match_expected as n where n.expected = p.expected and n.claim = p.claim + 1)
where
    x.amount <> 0
    and not exists (
        select from bank.match_expected as c
        left join bank.match_expected as n on c.expected = n.expected and n.claim = c.claim + 1
        where c.expected = x.expected and c.taken = c.whole and n.expected is null
    );

comment on view bank.open_expected is
'Items of which something is in no match, suggested ones included: amount is what is left, whole all of it. first_day, last_day: when the money should be there; net: NOK to come of what is left, less its share of the fee.';
