create or replace function marketplace.paid_clicks(p_websites bigint[])
returns table (website bigint, publisher bigint, click_time timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
begin
    p_websites := books.list('p_websites', p_websites);
    return query
    select c.website, c.publisher, c.click_time
    from marketplace.ad_click as c
    where c.website = any (p_websites) and c.website_payment_transaction is not null;
end;
$$;

comment on function marketplace.paid_clicks(bigint[]) is
'Clicks on these websites that are paid, and to whom. For consistency.marketplace_website, whose readers may not read the clicks themselves. 22023. May be null: publisher.';
