create or replace function marketplace.unfunded(p_transactions bigint [])
returns table (transaction bigint, amount numeric)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select t.transaction, sum(c.publisher_share)
    from marketplace.transaction as t
    inner join marketplace.ad_click as c
        on
            t.profile = c.publisher and t.transaction = c.website_payment_transaction
            and c.click_time >= marketplace.day_begins(t.month)
            and c.click_time < marketplace.day_begins(marketplace.next_month(t.month))
    inner join marketplace.transaction as a on c.advertisement_charge_transaction = a.transaction
    where t.transaction = any(p_transactions) and a.status in ('NEW', 'FAILED') and a.due_amount > 0
    group by t.transaction;
end;

comment on function marketplace.unfunded(bigint []) is
'What these payouts have of clicks whose advertisers have been asked to pay, and have not: NOK of the month''s own clicks, rows above 0 only. Says who waits where there is not enough for all.';
