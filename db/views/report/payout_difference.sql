create or replace view report.payout_difference as
select
    p.payout,
    p.road_name,
    p.payout_id,
    p.paid_on,
    f.line,
    f.kind,
    l.occurred_on,
    l.refs,
    f.gross,
    f.problem as reason
from bank.payout_fit as f
inner join bank.open_payout as p on f.payout = p.payout
left join bank.payout_line as l on f.payout = l.payout and f.line = l.line
where f.problem is not null;

comment on view report.payout_difference is
'Why a payout is not matched: each line that does not fit, NOK. reason: NO ITEM, nothing that we expect has its name; AMOUNT DIFFERS, something has, of another amount; TWICE, two lines are the same item; SEVERAL ITEMS, it might be more than one; MATCHED ELSEWHERE; NOT EXPLAINED, an adjustment. line null: of a road whose items are days or till sessions, all its payments less refunds (gross), which are the sum of no item or run of items, or of several.';
