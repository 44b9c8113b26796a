create or replace function marketplace.record_earlier_clicks(
    p_advertisements bigint[],
    p_websites bigint[],
    p_click_times timestamptz[],
    p_click_ids text[],
    p_prices numeric[] default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
    v_count constant bigint := cardinality(p_advertisements);
    v_bad record;
    v_recorded bigint;
begin
    p_advertisements := books.list('p_advertisements', p_advertisements);
    p_websites := books.list('p_websites', p_websites, true);
    p_click_times := books.list('p_click_times', p_click_times);
    p_click_ids := books.list('p_click_ids', p_click_ids);
    p_prices := coalesce(books.list('p_prices', p_prices, true), array_fill(null::numeric, array[coalesce(v_count, 0)::int]));
    perform books.check_text(variadic array(
        select x.word
        from unnest(p_click_ids) with ordinality as k (click_id, n)
        cross join lateral (values (1, 'p_click_ids'), (2, k.click_id)) as x (place, word)
        order by k.n, x.place
    ));
    if
        v_count is null or v_count = 0 or array_position(p_advertisements, null) is not null
        or (cardinality(p_websites), cardinality(p_click_times), cardinality(p_click_ids), cardinality(p_prices))
        is distinct from (v_count, v_count, v_count, v_count)
        or 'infinity' = any (p_click_times) or '-infinity' = any (p_click_times)
    then
        raise exception 'clicks are given as arrays of one length' using
            errcode = '22023',
            detail = format('%s advertisements, %s websites, %s times, %s names, %s prices.', v_count, cardinality(p_websites),
                cardinality(p_click_times), cardinality(p_click_ids), cardinality(p_prices)),
            hint = 'Each has an advertisement, a time and a name; its website is null on a page of our own, its price null where the advertisement''s own is meant.';
    end if;
    -- Of two that bring the same click the second waits, as of files: then it sees what the first did.
    lock table marketplace.click_name in share row exclusive mode;
    select b.*, b.profile is null or b.website is not null and b.publisher is null as is_unknown into v_bad
    from marketplace.earlier_batch(p_advertisements, p_websites, p_click_times, p_click_ids, p_prices) as b
    where
        b.profile is null or b.website is not null and b.publisher is null or b.exact_price is null or b.rate is null
        or b.exact_price <> b.price or b.price < 0 or b.price >= 1000000 or b.exact_price = 'NaN'
        or b.click_id = '' or length(b.click_id) > 200
    order by b.n
    limit 1;
    if found then
        raise exception 'a click of the batch is none: nothing of it was recorded' using
            errcode = case when v_bad.is_unknown then 'P0002' when v_bad.price is null or v_bad.rate is null then '23B67' else '22023' end,
            detail = format('Click %s: %L, advertisement %s, website %s at %s, NOK %s.', v_bad.n, left(v_bad.click_id, 100),
                v_bad.advertisement, v_bad.website, v_bad.click_time, v_bad.exact_price),
            hint = 'Advertisement and website are in marketplace.advertisement and marketplace.website; the price is NOK, not negative, at most six decimals, or null where advertisement_price has one of that time; its name has 1 to 200 characters.';
    end if;
    -- The same again is nothing new; another click of the same name, or one that this marketplace has to charge, is a fault.
    select b.click_id, b.click_time, e.click_id is null as is_ordinary into v_bad
    from marketplace.earlier_batch(p_advertisements, p_websites, p_click_times, p_click_ids, p_prices) as b
    left join marketplace.earlier_click as e using (click_time, advertisement, click_id)
    left join marketplace.click_name as o using (click_time, advertisement, click_id)
    where
        e.click_id is null and o.click_id is not null
        or e.click_id is not null and (e.website, e.price) is distinct from (b.website, b.price)
    order by b.n
    limit 1;
    if found then
        raise exception 'a click of this name was recorded before' using
            errcode = '23B13',
            detail = format('Click %L at %s: %s.', v_bad.click_id, v_bad.click_time,
                case when v_bad.is_ordinary then 'it came to be charged' else 'history has it with another website or price' end),
            hint = 'Leave it out, or give another click another name. None of the batch was recorded.';
    end if;
    insert into marketplace.earlier_click (
        click_time, advertisement, click_id, profile, website, publisher, price, commission_rate, publisher_share
    )
    select
        b.click_time, b.advertisement, b.click_id, b.profile, b.website, b.publisher, b.price, b.rate,
        marketplace.publisher_share(b.price, b.rate, b.website)
    from marketplace.earlier_batch(p_advertisements, p_websites, p_click_times, p_click_ids, p_prices) as b
    where not exists (
        select
        from marketplace.earlier_click as e
        where e.click_time = b.click_time and e.advertisement = b.advertisement and e.click_id = b.click_id
    )
    order by b.click_time, b.n;
    get diagnostics v_recorded = row_count;
    -- No file brings it once more, to be charged.
    insert into marketplace.click_name (click_time, advertisement, click_id)
    select b.click_time, b.advertisement, b.click_id
    from marketplace.earlier_batch(p_advertisements, p_websites, p_click_times, p_click_ids, p_prices) as b
    where b.click_time >= marketplace.oldest_click(now())
    order by b.click_time
    on conflict do nothing;
    return v_recorded;
end;
$$;

comment on function marketplace.record_earlier_clicks(bigint[], bigint[], timestamptz[], text[], numeric[]) is
'Records a batch of clicks that an earlier marketplace has charged, all or none, as history (marketplace.earlier_click): none is ever charged or paid. However old; how many are new: a click of the same time, advertisement and name is recorded once. p_prices: NOK as they cost then, null: what advertisement_price says of that time. Commission as commission_rate has it. From then on no file brings a click of that name. 22023; P0002 no such advertisement or website; 23505 a name is twice in the batch; 23B13 a click of this name was recorded otherwise; 23B67 no price or rate at that time; 23B96 a month of this marketplace was closed, or it is of a later month. May be null: p_websites[], p_prices[].';
