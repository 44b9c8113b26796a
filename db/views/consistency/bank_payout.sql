create or replace view consistency.bank_payout as
select
    'lines are not the payout' as problem,
    p.payout,
    null::bigint as match
from bank.payout as p
left join (
    select
        b.payout,
        count(*) as lines,
        sum(b.fee) as fee,
        sum(b.net) as net,
        sum(b.gross) filter (where b.kind = 'ADJUSTMENT') as other
    from bank.payout_line as b
    group by b.payout
) as l on p.payout = l.payout
where (p.lines, p.fee, p.net, p.other) is distinct from (l.lines, l.fee, l.net, coalesce(l.other, 0))
union all
select
    'the match is not the payout',
    p.payout,
    m.match
from bank.match as m
inner join bank.payout as p on m.payout = p.payout
inner join bank.balance as b on m.match = b.match
where
    (b.entries, b.expected, b.lines) is distinct from (p.net, p.gross, -p.fee) or p.other <> 0
    or exists (select from bank.match_line as l where l.match = m.match and l.kind <> 'FEE')
union all
select
    'a payout is in two matches',
    m.payout,
    max(m.match)
from bank.match as m
left join bank.match_undo as u on m.match = u.match
where m.payout is not null and u.match is null
group by m.payout
having count(*) > 1
union all
select
    'a payout that was withdrawn is matched',
    m.payout,
    m.match
from bank.match as m
inner join bank.payout_withdrawal as w on m.payout = w.payout
left join bank.match_undo as u on m.match = u.match
where u.match is null;

comment on view consistency.bank_payout is
'A payout is the sum of its lines; a match by rule PAYOUT has the payout''s net as entries, its gross as items, its fee and nothing else as lines, and no adjustment; each payout is in one such match at most, and in none that was withdrawn.';
