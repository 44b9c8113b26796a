create or replace view report.payout_difference as
select
    p.payout,
    p.route_name,
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
'Why a payout is not matched: each line that does not fit, NOK. reason: NO ITEM, nothing that we expect has its name; AMOUNT DIFFERS, something has, of another amount; TWICE, two lines are the same item; SEVERAL ITEMS, it might be more than one; MATCHED ELSEWHERE; NOT EXPLAINED, an adjustment. line null: of a route whose items are days or till sessions, all its payments less refunds (gross), which are the sum of no item or run of items, or of several.';
comment on column report.payout_difference.payout is 'The payout (report.payout)';
comment on column report.payout_difference.route_name is 'How it reaches the bank';
comment on column report.payout_difference.payout_id is 'The acquirer''s name for it';
comment on column report.payout_difference.paid_on is 'Day on which the acquirer paid it, or says that it arrives';
comment on column report.payout_difference.line is 'Line of the acquirer''s file; null: the whole payout, of a route whose items are days or till sessions';
comment on column report.payout_difference.kind is 'PAYMENT, REFUND, FEE (of no one payment) or ADJUSTMENT (anything else, such as a dispute)';
comment on column report.payout_difference.occurred_on is 'Day of the payment; null: the file does not say';
comment on column report.payout_difference.refs is 'All the references that it may be known by: the acquirer''s, and ours';
comment on column report.payout_difference.gross is 'NOK before the fee, positive in, negative out';
comment on column report.payout_difference.reason is 'NO ITEM, AMOUNT DIFFERS, TWICE, SEVERAL ITEMS, MATCHED ELSEWHERE or NOT EXPLAINED: see the view';
