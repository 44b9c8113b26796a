create or replace view bank.open_payout as
select
    p.payout,
    p.route,
    r.route_name,
    r.account,
    r.source,
    r.days_max,
    r.run_max,
    p.payout_id,
    p.names,
    p.paid_on,
    p.gross,
    p.fee,
    p.net
from bank.payout as p
inner join bank.route as r on p.route = r.route
where
    not exists (
        select from bank.match as m
        left join bank.match_undo as u on m.match = u.match
        where m.payout = p.payout and u.match is null
    )
    and not exists (select from bank.payout_withdrawal as w where w.payout = p.payout);

comment on view bank.open_payout is 'Payouts that no match by rule PAYOUT is of, and that nobody withdrew.';
