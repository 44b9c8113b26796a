create or replace function marketplace.record_clicks(
    p_advertisements bigint[],
    p_websites bigint[] default null,
    p_click_times timestamptz[] default null,
    p_source text default null,
    p_click_names text[] default null,
    p_clickers text[] default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
set plan_cache_mode = force_custom_plan
as $$
declare
    v_count constant bigint := cardinality(p_advertisements);
    v_websites bigint[];
    v_times timestamptz[];
    v_first_time timestamptz;
    v_last_time timestamptz;
    v_hash bytea;
    v_known bigint;
    v_recorded bigint;
    v_new bigint[];
begin
    perform books.check_text('p_source', p_source);
    p_advertisements := books.list('p_advertisements', p_advertisements);
    p_websites := books.list('p_websites', p_websites, true);
    p_click_times := books.list('p_click_times', p_click_times);
    p_click_names := books.list('p_click_names', p_click_names, true);
    p_clickers := books.list('p_clickers', p_clickers, true);
    v_websites := coalesce(p_websites, array_fill(null::bigint, array[coalesce(v_count, 0)::int]));
    v_times := coalesce(p_click_times, array_fill(now(), array[coalesce(v_count, 0)::int]));
    if
        v_count is null or cardinality(v_websites) <> v_count or cardinality(v_times) <> v_count
        or array_position(p_advertisements, null) is not null or array_position(v_times, null) is not null
        or 'infinity' = any (v_times) or '-infinity' = any (v_times) or p_source = ''
    then
        raise exception 'clicks are given as arrays of one length' using
            errcode = '22023',
            detail = format('%s advertisements, %s websites, %s times.',
                v_count, cardinality(p_websites), cardinality(p_click_times)),
            hint = 'Each click has an advertisement and a time; its website is null on a page of our own.';
    end if;
    perform marketplace.check_click_names(p_click_names, p_clickers, v_count);
    select min(t), max(t) into v_first_time, v_last_time from unnest(v_times) as t;
    if not (marketplace.takes_click_at(v_first_time) and marketplace.takes_click_at(v_last_time)) then
        raise exception 'no click was then' using
            errcode = '22023',
            detail = format('From %s to %s.', v_first_time, v_last_time),
            hint = 'select * from marketplace.click_window says how long before and after now a click may be. None of the batch was recorded.';
    end if;
    if p_source is not null then
        v_hash := sha256(convert_to(
            concat_ws(';', p_advertisements::text, p_websites::text, (
                select string_agg(extract(epoch from x.t)::text, ',' order by x.n)
                from unnest(p_click_times) with ordinality as x (t, n)
            ), p_click_names::text, p_clickers::text),
            'UTF8'
        ));
        v_known := marketplace.begin_click_source(p_source, v_hash, v_count);
        if v_known is not null then
            return v_known;
        end if;
    end if;

    if p_click_names is not null then
        v_new := marketplace.name_clicks(p_click_names, p_advertisements, v_websites, v_times, p_click_times is not null);
    end if;
    perform marketplace.ensure_batch_months(v_times);

    perform marketplace.one_by_one(true);
    -- What each advertisement cost at the last moment of the batch: of most, what it cost in all of it. Looked up by key,
    -- and not in advertisement_tariff, which would read every price there is, for one click as well.
    with offer as materialized (
        select a.advertisement, a.profile, t.price, t.valid_from
        from (select distinct x as advertisement from unnest(p_advertisements) as x) as b
        inner join marketplace.advertisement as a on b.advertisement = a.advertisement
        cross join lateral marketplace.price_at(a.advertisement, v_last_time) as t
    )

    insert into marketplace.ad_click (
        profile, click_time, advertisement, website, publisher, price, commission_rate, publisher_share, source, clicker
    )
    select
        o.profile, k.click_time, k.advertisement, k.website, w.profile, p.price, r.rate,
        marketplace.publisher_share(p.price, r.rate, k.website),
        p_source, k.clicker
    from unnest(p_advertisements, v_websites, v_times, p_clickers) with ordinality
        as k (advertisement, website, click_time, clicker, n)
    inner join offer as o on k.advertisement = o.advertisement
    cross join lateral (
        select
            case
                when o.valid_from <= k.click_time then o.price
                else (select t.price from marketplace.price_at(k.advertisement, k.click_time) as t)
            end as price
    ) as p
    inner join marketplace.commission_period as r on k.click_time >= r.valid_from and k.click_time < r.valid_to
    left join lateral marketplace.owner_at(k.website, k.click_time) as w on true
    where p.price is not null and (k.website is null or w.profile is not null) and (v_new is null or k.n = any (v_new))
    order by o.profile, k.click_time, k.n; -- the key's order: its pages are visited once a batch
    get diagnostics v_recorded = row_count;
    perform marketplace.one_by_one(false);
    if v_recorded = coalesce(cardinality(v_new), v_count) then
        return v_count;
    end if;

    perform marketplace.refuse_clicks(p_advertisements, v_websites, v_times);
    return 0;
end;
$$;

comment on function marketplace.record_clicks(bigint[], bigint[], timestamptz[], text, text[], text[]) is
'Records a batch of clicks, all or none, with publisher, price and commission as they were at each click''s time; how many. p_websites: where, null on our own pages; p_click_times: when, now by default; p_source: a name of the batch, so that the same one sent again records nothing more. p_click_names: one name each, so that a click that is sent again, in whatever batch, is recorded once, and the answer is the same; p_clickers: a hash of who clicked, so that bursts are flagged (click_flag). Makes a missing partition of the last two years or the coming month. 22023, also where a time is outside marketplace.click_window; P0002 no such advertisement or website; 23B13 the source held other clicks; 23B58 a name was another click''s; 23B67 no price or rate at that time. May be null: p_websites[], p_click_names[], p_clickers[].';
