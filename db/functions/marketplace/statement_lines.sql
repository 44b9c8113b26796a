create or replace function marketplace.statement_lines(p_profile bigint, p_month date, p_transaction bigint)
returns table (
    side text, item bigint, price numeric, commission_rate numeric, clicks bigint, price_amount numeric,
    commission_amount numeric, amount numeric, reason text, click_month date
)
language sql stable security definer rows 10
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
begin atomic
    select l.side, l.item, l.price, l.commission_rate, l.clicks, l.price_amount, l.commission_amount, l.amount, l.reason, l.click_month
    from marketplace.click_lines(p_profile, p_month, p_transaction) as l;
end;

comment on function marketplace.statement_lines(bigint, date, bigint) is
'click_lines for those who may read report.marketplace_statement_line, which asks it, and not the clicks themselves. May be null: item, price, commission_rate, price_amount, commission_amount, reason, click_month.';
