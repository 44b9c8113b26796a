create or replace view report.payout as
select
    p.payout,
    r.route_name,
    p.payout_id,
    p.paid_on,
    p.gross,
    p.fee,
    p.other,
    p.net,
    case
        when w.payout is not null then 'WITHDRAWN'
        when m.is_approved then 'MATCHED'
        when m.match is not null then 'SUGGESTED'
        when p.net = 0 then 'NOTHING'
        when e.only_entry is not null then 'ARRIVED'
        when e.fitting > 1 or e.fitting = 1 and e.elsewhere = 0 then 'AMBIGUOUS'
        when e.elsewhere > 0 then 'MATCHED ELSEWHERE'
        when e.other_amount > 0 then 'OTHER AMOUNT'
        when billig.local_time()::date > p.paid_on + r.days_max then 'NOT ARRIVED'
        else 'AWAITED'
    end as state,
    coalesce(c.entry, e.any_entry) as entry,
    m.match,
    p.lines::bigint as lines,
    coalesce(f.unfit_lines, 0) as unfit_lines
from bank.payout as p
inner join bank.route as r on p.route = r.route
left join bank.payout_withdrawal as w on p.payout = w.payout
left join (
    select
        a.payout,
        a.match,
        v.match is not null as is_approved
    from bank.match as a
    left join bank.match_approval as v on a.match = v.match
    left join bank.match_undo as u on a.match = u.match
    where a.payout is not null and u.match is null
) as m on p.payout = m.payout
left join bank.entry_claim as c on m.match = c.match
left join (
    select
        n.payout,
        min(n.entry) filter (where n.is_only) as only_entry,
        case when count(*) = 1 then min(n.entry) end as any_entry,
        count(*) filter (where n.fits) as fitting,
        count(*) filter (where not n.is_open) as elsewhere,
        count(*) filter (where not n.fits) as other_amount
    from bank.payout_entry as n
    group by n.payout
) as e on p.payout = e.payout
left join (
    select
        n.payout,
        count(*) as unfit_lines
    from bank.payout_fit as n
    where n.problem is not null
    group by n.payout
) as f on p.payout = f.payout;

comment on view report.payout is
'Payouts as acquirers report them, NOK: gross of payments less refunds, fee kept back, other what is neither, net to come to the bank. state: MATCHED; SUGGESTED (where rule PAYOUT only suggests, until approved); ARRIVED (its entry is there, but a line does not fit, report.payout_difference, or nobody ran the rules since, or a person took the match apart); AMBIGUOUS (several entries might be it, it might be several payouts'' entry, or it takes another back); OTHER AMOUNT (an entry names it, of another amount); MATCHED ELSEWHERE (an entry that might be it, or names it, is matched by another rule or by hand); AWAITED; NOT ARRIVED (its days are over); NOTHING (net is 0); WITHDRAWN (it counts no more). entry: the one that it is or might be; unfit_lines: how many lines fit no item, of routes SESSION and DAY 1 where their sum does not.';
comment on column report.payout.payout is 'Number of the payout';
comment on column report.payout.route_name is 'How it reaches the bank';
comment on column report.payout.payout_id is 'The acquirer''s name for it';
comment on column report.payout.paid_on is 'Day on which the acquirer paid it, or says that it arrives';
comment on column report.payout.gross is 'NOK of payments less refunds';
comment on column report.payout.fee is 'NOK that the acquirer kept back; negative: gave back';
comment on column report.payout.other is 'NOK of what is neither payment, refund nor fee: positive in, negative out';
comment on column report.payout.net is 'NOK that should reach the bank: positive in, negative out';
comment on column report.payout.state is 'MATCHED, SUGGESTED, ARRIVED, AMBIGUOUS, OTHER AMOUNT, MATCHED ELSEWHERE, AWAITED, NOT ARRIVED, NOTHING or WITHDRAWN: see the view';
comment on column report.payout.entry is 'The bank''s entry that it is or might be; null: none';
comment on column report.payout.match is 'The match that has it; null: none';
comment on column report.payout.lines is 'How many lines it has';
comment on column report.payout.unfit_lines is 'How many of its lines fit no item';
