create or replace view marketplace.own_statement_line as
select
    o.transaction,
    o.month,
    o.kind,
    o.profile,
    o.side,
    o.item_number,
    o.item_name,
    o.price,
    o.commission_rate,
    o.clicks,
    o.price_amount,
    o.commission_amount,
    o.amount,
    o.reason,
    o.click_month
from marketplace.own_statement_line() as o;

comment on view marketplace.own_statement_line is
'report.marketplace_statement_line as a profile''s own role sees it, of one transaction, or of all where p_transaction is null. The profile is who logged in (marketplace.own_profile); of any other, nothing. NOK. May be null: p_transaction, item_number, item_name, price, commission_rate, price_amount, commission_amount, reason, click_month. The function of the same name shows it, with the rights of the owner: EXPLAIN of a table would count what a policy hides.';
