create or replace view report.marketplace_statement_line as
select
    t.transaction,
    t.month,
    t.kind,
    t.profile,
    l.side,
    l.item as item_number,
    coalesce(a.advertisement_name, w.website_name) as item_name,
    l.price::numeric(12, 6) as price,
    l.commission_rate::numeric(7, 6) as commission_rate,
    l.clicks,
    l.price_amount::numeric(18, 6) as price_amount,
    l.commission_amount::numeric(18, 6) as commission_amount,
    l.amount::numeric(18, 6) as amount,
    l.reason,
    (select p.profile_name from marketplace.profile as p where p.profile = t.profile) as profile_name,
    l.click_month
from marketplace.transaction as t
cross join lateral marketplace.statement_lines(t.profile, t.month, t.transaction) as l
left join marketplace.advertisement as a on l.side = 'ADVERTISEMENT' and l.item = a.advertisement
left join marketplace.website as w on l.side = 'WEBSITE' and l.item = w.website;

comment on view report.marketplace_statement_line is
'What a transaction of the marketplace is made of (M1): a row for each advertisement at each price, each website at each price and commission rate, and each reason that clicks were taken back for (reason; clicks below 0). amount sums to advertisement_amount and website_amount of report.marketplace_transaction by side. NOK, 6 decimals: above 0 the profile owes us. A REFUND or ADJUSTMENT that is of no clicks has no row. Ask by transaction.';
comment on column report.marketplace_statement_line.transaction is 'The transaction of the marketplace (report.marketplace_transaction)';
comment on column report.marketplace_statement_line.month is 'First day of the month';
comment on column report.marketplace_statement_line.kind is 'MONTHLY, ADJUSTMENT or REFUND: kind of the transaction';
comment on column report.marketplace_statement_line.profile is 'The profile whose transaction it is';
comment on column report.marketplace_statement_line.side is 'ADVERTISEMENT: clicks that it pays for; WEBSITE: clicks that it is paid for';
comment on column report.marketplace_statement_line.item_number is 'Number of the advertisement or website, as side says';
comment on column report.marketplace_statement_line.item_name is 'Name of the advertisement or website, as it is now';
comment on column report.marketplace_statement_line.price is 'NOK per click; null: taken back';
comment on column report.marketplace_statement_line.commission_rate is 'Share of the price that the marketplace keeps, 0 to 1; null: of ADVERTISEMENT, or taken back';
comment on column report.marketplace_statement_line.clicks is 'Clicks; below 0: taken back';
comment on column report.marketplace_statement_line.price_amount is 'NOK that the advertisers pay for the clicks';
comment on column report.marketplace_statement_line.commission_amount is 'NOK that the marketplace keeps of price_amount, of WEBSITE';
comment on column report.marketplace_statement_line.amount is 'NOK, 6 decimals: above 0 the profile owes us, below 0 we owe it';
comment on column report.marketplace_statement_line.reason is 'Why clicks were taken back; null: they were not';
comment on column report.marketplace_statement_line.profile_name is 'Its name, as it is now';
comment on column report.marketplace_statement_line.click_month is 'First day of the month that the clicks are of: an earlier one where they came late, after it was closed; null: taken back';
