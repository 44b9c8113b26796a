create or replace function marketplace.take_click_lines(p_source text, p_now timestamptz)
returns table (lines bigint, clicks bigint)
language plpgsql
-- click_file_line and click_file_problem are the temporary ones: begin_click_file made them, load_clicks looked.
set search_path = pg_catalog, pg_temp, marketplace
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set enable_mergejoin = off
set work_mem = '128MB'
set jit = off
as $$
declare
    v_from constant timestamptz := marketplace.oldest_click(p_now);
    v_until constant timestamptz := marketplace.newest_click(p_now);
    v_hours text[];
    v_are_priced boolean;
    v_are_odd boolean;
    v_bad bigint;
    v_are_named boolean;
begin
    analyze click_file_line;
    -- A file has many times, and few hours: what is to be said of an hour is said once.
    select
        coalesce(sum(h.lines), 0), coalesce(array_agg(h.hour), '{}'),
        coalesce(bool_or(h.are_priced), false), coalesce(bool_or(h.are_named), false),
        coalesce(bool_or(h.are_faulty or h.are_named), false)
    into lines, v_hours, v_are_priced, v_are_named, v_are_odd
    from (
        select
            left(l.click_time, 13) as hour, count(*) as lines, bool_or(l.price <> '') as are_priced,
            bool_or(l.fault is not null) as are_faulty, bool_or(l.click_id <> '') as are_named
        from click_file_line as l
        group by left(l.click_time, 13)
    ) as h;
    if v_are_priced then
        perform marketplace.check_may_price();
    end if;
    if v_are_odd then
        perform marketplace.tell_odd_lines();
        if v_are_named then
            perform marketplace.refuse_named_clicks();
        end if;
    end if;
    perform marketplace.ensure_click_months(v_hours, v_from, v_until);

    -- Times are put together from an hour that click_moment knows, and a second of it; what is not so made, it reads whole.
    with hour as materialized (
        select h.hour, h.begins, h.is_whole, h.is_hour from marketplace.click_hours(v_hours) as h
    ),

    second as materialized (
        select to_char(s.time, ':MI:SS') as second, s.time
        from (select make_interval(secs => n) as time from generate_series(0, 3599) as n) as s
        union all
        select to_char(s.time, ':MI'), s.time
        from (select make_interval(mins => n) as time from generate_series(0, 59) as n) as s
    )

    insert into marketplace.ad_click (
        profile, click_time, advertisement, website, publisher, price, commission_rate, publisher_share, source
    )
    select
        a.profile, k.click_time, k.advertisement, k.website, w.profile, coalesce(k.price, t.price), r.rate,
        marketplace.publisher_share(coalesce(k.price, t.price), r.rate, k.website),
        p_source
    from (
        select
            l.line,
            case
                when h.is_whole and s.time is not null and substr(l.click_time, 20) = '' then h.begins + s.time
                when
                    h.is_whole and s.time is not null and length(l.click_time) between 21 and 26
                    and substr(l.click_time, 20, 1) = '.' and substr(l.click_time, 21) !~ '[^0-9]'
                    then h.begins + s.time + ('0' || substr(l.click_time, 20))::interval
                when
                    h.is_hour and s.time is not null
                    and substr(l.click_time, 20) ~ '^([.][0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)$'
                    then l.click_time::timestamptz
                else marketplace.click_moment(l.click_time)
            end as click_time,
            case
                when length(l.advertisement) between 1 and 18 and l.advertisement !~ '[^0-9]' then l.advertisement::bigint
            end as advertisement,
            case
                when length(l.website) between 1 and 18 and l.website !~ '[^0-9]' then l.website::bigint
            end as website,
            coalesce(l.website, '') <> '' as has_website,
            case when l.price ~ '^[0-9]{1,6}([.][0-9]{1,6})?$' then l.price::numeric(12, 6) end as price,
            coalesce(l.price, '') <> '' as has_price
        from click_file_line as l
        left join hour as h on left(l.click_time, 13) = h.hour
        left join second as s on substr(l.click_time, 14, 6) = s.second
        where l.fault is null
        offset 0 -- so that each text is read once, and not wherever its value is used
    ) as k
    inner join marketplace.advertisement as a on k.advertisement = a.advertisement
    inner join marketplace.commission_period as r on k.click_time >= r.valid_from and k.click_time < r.valid_to
    left join marketplace.advertisement_tariff as t
        on k.advertisement = t.advertisement and k.click_time >= t.valid_from and k.click_time < t.valid_to
    left join marketplace.website_owner as w
        on k.website = w.website and k.click_time >= w.valid_from and k.click_time < w.valid_to
    where
        k.click_time >= v_from and k.click_time < v_until
        and (w.website is not null or not k.has_website)
        and case when k.has_price then k.price is not null else t.price is not null end
        and not exists (select from click_file_problem as p where p.line = k.line)
    order by a.profile, k.click_time; -- the key's order: its pages are visited once
    get diagnostics clicks = row_count;

    if clicks < lines then
        perform marketplace.tell_click_problems(v_from, v_until);
    end if;
    select count(distinct p.line) into v_bad from click_file_problem as p;
    if clicks + v_bad <> lines then
        raise exception 'lines of the file are neither loaded nor rejected' using
            errcode = 'XX000',
            detail = format('%s lines, %s loaded, %s rejected.', lines, clicks, v_bad),
            hint = 'Each line must bear a number of its own.';
    end if;
    if v_are_named then
        perform marketplace.keep_click_names(p_now);
    end if;

    perform marketplace.ensure_partitions(m.month, 1)
    from (
        select distinct marketplace.month_of(c.click_time) as month
        from marketplace.ad_click_default as c
        where c.source = p_source
    ) as m;
    return next;
end;
$$;

comment on function marketplace.take_click_lines(text, timestamptz) is
'Makes clicks of the proper lines in the temporary table click_file_line, and says in click_file_problem what is wrong with the others; how many lines there were, and clicks. For load_clicks alone. 42501 prices are the bookkeeper''s and the scheduler''s to say.';
