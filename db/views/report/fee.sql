create or replace view report.fee as
select
    l.match,
    m.rule,
    l.kind,
    l.amount,
    coalesce(x.day, p.paid_on) as day,
    coalesce(x.route_name, p.route_name) as route_name,
    a.match is not null as is_approved
from bank.match_line as l
inner join bank.match as m on l.match = m.match
left join bank.match_approval as a on l.match = a.match
left join lateral (
    select
        min(e.day) as day,
        min(r.route_name) as route_name
    from bank.match_expected as c
    inner join bank.expected as e on c.expected = e.expected
    inner join bank.route as r on e.route = r.route
    where c.match = l.match and not c.is_release
) as x on true
left join lateral (
    select
        o.paid_on,
        r.route_name
    from bank.payout as o
    inner join bank.route as r on o.route = r.route
    where o.payout = m.payout
) as p on true
where not exists (select from bank.match_undo as u where u.match = l.match);

comment on view report.fee is
'By what the bank''s entries and what was expected differ, of matches that hold: fees, roundings, write-offs, money that is not ours, and differences that are not known (kind, amount). route_name, day: of the first item; of a payout of fees alone its own. is_approved: false while the match is suggested.';
comment on column report.fee.match is 'The match';
comment on column report.fee.rule is 'The rule that made the match';
comment on column report.fee.kind is 'FEE, ROUNDING, WRITE_OFF, NOT_OURS (money that is not ours) or DIFFERENCE (not known)';
comment on column report.fee.amount is 'NOK: what came less what was expected; below 0 was kept back or did not come';
comment on column report.fee.day is 'Local day of the match''s first item; of a payout of fees alone, the day it was paid';
comment on column report.fee.route_name is 'How it reaches the bank; of the match''s first item';
comment on column report.fee.is_approved is 'Whether the match is approved; false: it is only suggested';
