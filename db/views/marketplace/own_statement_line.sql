create or replace view marketplace.own_statement_line with (security_invoker = true) as
select
    t.transaction,
    t.month,
    t.kind,
    t.profile,
    l.side,
    l.item as item_number,
    coalesce(a.advertisement_name, w.website_name) as item_name,
    l.price,
    l.commission_rate,
    l.clicks,
    l.price_amount,
    l.commission_amount,
    l.amount,
    l.reason
from marketplace.transaction as t
cross join lateral marketplace.click_lines(t.profile, t.month, t.transaction) as l
left join marketplace.advertisement as a on l.side = 'ADVERTISEMENT' and l.item = a.advertisement
left join marketplace.website as w on l.side = 'WEBSITE' and l.item = w.website;

comment on view marketplace.own_statement_line is
'report.marketplace_statement_line as a profile''s own role sees it: its own. Runs with its caller''s rights: row-level security decides. Ask by transaction.';
