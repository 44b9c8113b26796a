create or replace function marketplace.earlier_batch(
    p_advertisements bigint[], p_websites bigint[], p_click_times timestamptz[], p_click_ids text[], p_prices numeric[]
)
returns table (
    n bigint, click_time timestamptz, advertisement bigint, click_id text, profile bigint, website bigint, publisher bigint,
    exact_price numeric, price numeric, rate numeric
)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select
        k.n, k.click_time, k.advertisement, k.click_id, a.profile, k.website, w.profile, coalesce(k.price, t.price),
        round(coalesce(k.price, t.price), 6), r.rate
    from unnest(p_advertisements, p_websites, p_click_times, p_click_ids, p_prices)
    with ordinality as k (advertisement, website, click_time, click_id, price, n)
    left join marketplace.advertisement as a on k.advertisement = a.advertisement
    left join marketplace.website as w on k.website = w.website
    left join lateral marketplace.price_at(k.advertisement, k.click_time) as t on k.price is null
    left join marketplace.commission_period as r on k.click_time >= r.valid_from and k.click_time < r.valid_to;
end;

comment on function marketplace.earlier_batch(bigint[], bigint[], timestamptz[], text[], numeric[]) is
'A batch of clicks of an earlier marketplace, with advertiser, publisher, price (NOK, as it was said, and in six decimals) and commission of its time, null where there is none. For record_earlier_clicks alone. May be null: p_websites[], p_prices[], profile, website, publisher, exact_price, price, rate.';
