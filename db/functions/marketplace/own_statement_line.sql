create or replace function marketplace.own_statement_line(p_transaction bigint default null)
returns table (
    transaction bigint, month date, kind text, profile bigint, side text, item_number bigint, item_name text,
    price numeric, commission_rate numeric, clicks bigint, price_amount numeric, commission_amount numeric,
    amount numeric, reason text, click_month date
)
language sql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select
        t.transaction, t.month, t.kind, t.profile, l.side, l.item, coalesce(a.advertisement_name, w.website_name)::text, l.price,
        l.commission_rate, l.clicks, l.price_amount, l.commission_amount, l.amount, l.reason, l.click_month
    from marketplace.transaction as t
    cross join lateral marketplace.click_lines(t.profile, t.month, t.transaction) as l
    left join marketplace.advertisement as a on l.side = 'ADVERTISEMENT' and l.item = a.advertisement
    left join marketplace.website as w on l.side = 'WEBSITE' and l.item = w.website
    where
        t.profile = (select marketplace.own_profile()) and (p_transaction is null or t.transaction = p_transaction);
end;

comment on function marketplace.own_statement_line(bigint) is
'report.marketplace_statement_line as a profile''s own role sees it, of one transaction, or of all where p_transaction is null. The profile is who logged in (marketplace.own_profile); of any other, nothing. NOK. May be null: p_transaction, item_number, item_name, price, commission_rate, price_amount, commission_amount, reason, click_month.';
