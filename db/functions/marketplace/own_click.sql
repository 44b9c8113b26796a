create or replace function marketplace.own_click()
returns table (
    click_time timestamptz, ad_click bigint, advertisement bigint, website bigint, price numeric,
    commission numeric, publisher_share numeric, advertisement_charge_transaction bigint,
    website_payment_transaction bigint, excluded_at timestamptz, excluded_reason text
)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
declare
    v_profile constant bigint := marketplace.own_profile();
begin
    return query
    -- Either side by its own index; a click on a page of one's own is of both.
    select
        c.click_time, c.ad_click, c.advertisement, c.website, c.price, c.price - c.publisher_share, c.publisher_share,
        c.advertisement_charge_transaction, c.website_payment_transaction, c.excluded_at, c.excluded_reason::text
    from marketplace.ad_click as c
    where c.profile = v_profile
    union all
    select
        c.click_time, c.ad_click, c.advertisement, c.website, c.price, c.price - c.publisher_share, c.publisher_share,
        c.advertisement_charge_transaction, c.website_payment_transaction, c.excluded_at, c.excluded_reason::text
    from marketplace.ad_click as c
    where c.publisher = v_profile and c.profile <> c.publisher;
end;
$$;

comment on function marketplace.own_click() is
'A profile''s own clicks: on its advertisements, and on its websites. The profile is who logged in (marketplace.own_profile); of any other, nothing. NOK. May be null: website, price, commission, publisher_share, advertisement_charge_transaction, website_payment_transaction, excluded_at, excluded_reason.';
