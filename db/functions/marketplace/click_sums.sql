create or replace function marketplace.click_sums()
returns table (
    transaction bigint, profile bigint, advertisement_amount numeric, website_amount numeric, clicks bigint, website_clicks bigint
)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select c.advertisement_charge_transaction, c.profile, sum(c.price), 0::numeric, count(*), 0::bigint
    from marketplace.ad_click as c
    where c.advertisement_charge_transaction is not null
    group by c.advertisement_charge_transaction, c.profile
    union all
    select c.website_payment_transaction, c.publisher, 0, -sum(c.publisher_share), 0, count(*)
    from marketplace.ad_click as c
    where c.website_payment_transaction is not null
    group by c.website_payment_transaction, c.publisher;
end;
$$;

comment on function marketplace.click_sums() is
'What the linked clicks of each transaction come to, on each side, of all months: NOK, what is paid below 0. For consistency.marketplace_click, whose readers may not read the clicks themselves. May be null: profile, advertisement_amount, website_amount.';
