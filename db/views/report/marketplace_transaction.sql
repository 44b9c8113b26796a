create or replace view report.marketplace_transaction as
select
    t.transaction,
    t.kind,
    t.month,
    t.status,
    t.profile,
    p.profile_name,
    t.advertisement_amount,
    t.website_amount,
    t.net_amount,
    t.carried_in,
    t.corrected,
    t.offset_in,
    t.due_amount,
    t.offset_amount,
    t.settled,
    t.left_amount,
    t.carried_out,
    t.minimum,
    t.executed,
    t.rolled_from,
    t.rolled_to,
    t.corrects,
    t.reason,
    coalesce(s.advertisement_clicks, 0)::bigint as advertisement_clicks,
    coalesce(s.website_clicks, 0)::bigint as website_clicks,
    t.closed_at
from marketplace.transaction as t
inner join marketplace.profile as p on t.profile = p.profile
left join lateral (
    select
        sum(x.advertisement_clicks) as advertisement_clicks,
        sum(x.website_clicks) as website_clicks
    from marketplace.transaction_subtotal as x
    where x.transaction = t.transaction
) as s on true;

comment on view report.marketplace_transaction is
'One row for each transaction of the marketplace (M1, M2). Ask by month. NOK: above 0 the profile owes us, below 0 we owe it.';
comment on column report.marketplace_transaction.transaction is 'Number of the transaction';
comment on column report.marketplace_transaction.kind is 'MONTHLY, ADJUSTMENT or REFUND; GOODWILL or FEE: booked by hand; BROUGHT: the balance of an earlier marketplace';
comment on column report.marketplace_transaction.month is 'First day of the month';
comment on column report.marketplace_transaction.status is 'CURRENT: of the open month; NEW: closed, to be charged or paid; EXECUTED: done, or nothing was due; FAILED: tried in vain; ROLLED_OVER: below the minimum, moved to the next month';
comment on column report.marketplace_transaction.profile is 'Whose transaction it is';
comment on column report.marketplace_transaction.profile_name is 'Its name, as it is now';
comment on column report.marketplace_transaction.advertisement_amount is 'NOK for clicks on the profile''s advertisements, 6 decimals: above 0 it owes us';
comment on column report.marketplace_transaction.website_amount is 'NOK for clicks on the profile''s websites, 6 decimals: below 0 we owe it';
comment on column report.marketplace_transaction.net_amount is 'NOK, 6 decimals: advertisement_amount + website_amount; above 0 the profile owes us, below 0 we owe it';
comment on column report.marketplace_transaction.carried_in is 'NOK brought over from the month before, 6 decimals, signed as net_amount';
comment on column report.marketplace_transaction.corrected is 'NOK of net_amount that are corrections of closed months, 6 decimals';
comment on column report.marketplace_transaction.offset_in is 'NOK set off against another month while this one was open, signed as it is added';
comment on column report.marketplace_transaction.due_amount is 'NOK to be charged (above 0) or paid (below 0) at the close, whole øre; 0 where it rolled over, null until the close';
comment on column report.marketplace_transaction.offset_amount is 'NOK of due_amount that were set off against other months since, and neither charged nor paid';
comment on column report.marketplace_transaction.settled is 'NOK of due_amount that a person settled otherwise: paid outside, reduced, written off, donated; signed as it';
comment on column report.marketplace_transaction.left_amount is 'NOK of due_amount that is charged or paid, neither set off nor settled; null until the close';
comment on column report.marketplace_transaction.carried_out is 'NOK left for the next month, 6 decimals, signed as net_amount; null until the close';
comment on column report.marketplace_transaction.minimum is 'NOK below which nothing is charged or paid, as it was at the close; null: CURRENT, or not MONTHLY';
comment on column report.marketplace_transaction.executed is 'Local date on which money moved, or of the close where nothing was due; null: not carried out';
comment on column report.marketplace_transaction.rolled_from is 'The transaction whose amount carried_in is; null: none, or a remainder';
comment on column report.marketplace_transaction.rolled_to is 'The next month''s transaction that this one rolled over to; null: it did not';
comment on column report.marketplace_transaction.corrects is 'Of ADJUSTMENT and REFUND: the transaction that it corrects; of GOODWILL, FEE and BROUGHT: that it undoes';
comment on column report.marketplace_transaction.reason is 'Of all but MONTHLY: why';
comment on column report.marketplace_transaction.advertisement_clicks is 'Clicks that it charges';
comment on column report.marketplace_transaction.website_clicks is 'Clicks that it pays';
comment on column report.marketplace_transaction.closed_at is 'When its amounts were frozen; null: CURRENT';
