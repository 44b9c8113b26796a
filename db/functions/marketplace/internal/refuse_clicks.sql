create or replace function marketplace.refuse_clicks(
    p_advertisements bigint[], p_websites bigint[], p_click_times timestamptz[]
)
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_bad record;
begin
    select
        k.n, k.advertisement, k.website, k.click_time, a.advertisement is null as no_advertisement,
        k.website is not null and w.website is null as no_website
    into v_bad
    from unnest(p_advertisements, p_websites, p_click_times) with ordinality as k (advertisement, website, click_time, n)
    left join marketplace.advertisement as a on k.advertisement = a.advertisement
    left join marketplace.website as w on k.website = w.website
    where
        a.advertisement is null or (k.website is not null and w.website is null)
        or not exists (
            select from marketplace.advertisement_tariff as t
            where t.advertisement = k.advertisement and k.click_time >= t.valid_from and k.click_time < t.valid_to
        )
        or not exists (
            select from marketplace.commission_period as r
            where k.click_time >= r.valid_from and k.click_time < r.valid_to
        )
    order by k.n
    limit 1;
    if v_bad.no_advertisement or v_bad.no_website then
        raise exception 'no such advertisement or website' using
            errcode = 'P0002',
            detail = format('Click %s: advertisement %s, website %s.', v_bad.n, v_bad.advertisement, v_bad.website),
            hint = 'They are in marketplace.advertisement and marketplace.website. None of the batch was recorded.';
    end if;
    raise exception 'a click has no price at its time' using
        errcode = '23B67',
        detail = format('Click %s: advertisement %s at %s.', v_bad.n, v_bad.advertisement, v_bad.click_time),
        hint = 'marketplace.advertisement_price and marketplace.commission_rate say from when. None of the batch was recorded.';
end;
$$;

comment on function marketplace.refuse_clicks(bigint[], bigint[], timestamptz[]) is
'Says what is wrong with the first click of a batch that is not proper. For record_clicks alone. P0002 no such advertisement or website; 23B67 no price or rate at that time. May be null: p_websites[].';
