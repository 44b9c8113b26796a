create or replace function marketplace.take_click_lines(p_source text, p_now timestamptz)
returns table (lines bigint, clicks bigint)
language plpgsql
-- click_file_line and click_file_problem are the temporary ones: begin_click_file made them, load_clicks looked.
set search_path = pg_catalog, pg_temp, marketplace
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
declare
    v_from constant timestamptz := p_now - interval '2 years';
    v_until constant timestamptz := p_now + interval '1 day';
    v_month date;
    v_bad bigint;
    v_named boolean;
begin
    if
        not pg_has_role(session_user, 'bookkeeper', 'usage') and not pg_has_role(session_user, 'scheduler', 'usage')
        and exists (select from click_file_line as l where l.price <> '')
    then
        raise exception 'what a click costs is not said here' using
            errcode = '42501',
            detail = format('%s may not set prices.', session_user),
            hint = 'Leave the column price out: clicks cost what the advertisement does. bookkeeper and scheduler may.';
    end if;
    analyze click_file_line;
    select count(*), bool_or(l.click_id <> '') into lines, v_named from click_file_line as l;

    insert into click_file_problem (line, column_name, value, reason)
    select l.line, coalesce(l.fault_column, ''), left(l.fault_value, 100), l.fault
    from click_file_line as l
    where l.fault is not null
    union all
    select d.line, 'click_id', left(d.click_id, 100), format('stands on line %s already', d.first_line)
    from (
        select l.line, l.click_id, min(l.line) over (partition by l.click_id) as first_line
        from click_file_line as l
        where l.click_id <> '' and l.fault is null
    ) as d
    where d.line > d.first_line;
    if v_named then
        perform marketplace.refuse_named_clicks();
    end if;

    -- A month as it is written; the hours that belong to another one by their offset are moved below.
    for v_month in
        select to_date(m.month, 'YYYY-MM')
        from (select distinct left(l.click_time, 7) as month from click_file_line as l) as m
        where m.month ~ '^20[0-9]{2}-(0[1-9]|1[0-2])$'
    loop
        continue when
            v_month not between marketplace.month_of(v_from) and marketplace.month_of(v_until)
            or to_regclass('marketplace.' || marketplace.partition_name(v_month)) is not null;
        perform marketplace.ensure_partitions(v_month, 1);
    end loop;

    insert into marketplace.ad_click (
        profile, click_time, advertisement, website, publisher, price, commission_rate, publisher_share, source
    )
    select
        a.profile, k.click_time, k.advertisement, k.website, w.profile, coalesce(k.price, t.price), r.rate,
        case when k.website is null then 0 else trunc(coalesce(k.price, t.price) * (1 - r.rate), 6) end,
        p_source
    from (
        select
            l.line,
            marketplace.click_moment(l.click_time) as click_time,
            case
                when l.advertisement ~ '^[0-9]+$' and length(l.advertisement) <= 18 then l.advertisement::bigint
            end as advertisement,
            case when l.website ~ '^[0-9]+$' and length(l.website) <= 18 then l.website::bigint end as website,
            coalesce(l.website, '') <> '' as has_website,
            case when l.price ~ '^[0-9]{1,6}(\.[0-9]{1,6})?$' then l.price::numeric(12, 6) end as price,
            coalesce(l.price, '') <> '' as has_price
        from click_file_line as l
        where l.fault is null
        offset 0 -- so that each text is read once, and not wherever its value is used
    ) as k
    inner join marketplace.advertisement as a on k.advertisement = a.advertisement
    inner join marketplace.commission_period as r on k.click_time >= r.valid_from and k.click_time < r.valid_to
    left join marketplace.advertisement_tariff as t
        on k.advertisement = t.advertisement and k.click_time >= t.valid_from and k.click_time < t.valid_to
    left join marketplace.website as w on k.website = w.website
    where
        k.click_time >= v_from and k.click_time < v_until
        and (w.website is not null or not k.has_website)
        and case when k.has_price then k.price is not null else t.price is not null end
        and not exists (select from click_file_problem as p where p.line = k.line);
    get diagnostics clicks = row_count;

    if clicks < lines then
        insert into click_file_problem (line, column_name, value, reason)
        select k.line, p.column_name, left(p.value, 100), p.reason
        from (
            select
                l.*,
                marketplace.click_moment(l.click_time) as moment,
                case
                    when l.advertisement ~ '^[0-9]+$' and length(l.advertisement) <= 18 then l.advertisement::bigint
                end as advertisement_number,
                case
                    when l.website ~ '^[0-9]+$' and length(l.website) <= 18 then l.website::bigint
                end as website_number
            from click_file_line as l
            where l.fault is null
            offset 0
        ) as k
        left join marketplace.advertisement as a on k.advertisement_number = a.advertisement
        left join marketplace.commission_period as r on k.moment >= r.valid_from and k.moment < r.valid_to
        left join marketplace.advertisement_tariff as t
            on k.advertisement_number = t.advertisement and k.moment >= t.valid_from and k.moment < t.valid_to
        left join marketplace.website as w on k.website_number = w.website
        cross join lateral (
            values
            (
                'click_time', k.click_time,
                case
                    when coalesce(k.click_time, '') = '' then 'missing'
                    when k.moment is null and marketplace.click_moment(k.click_time || 'Z') is not null
                        then 'no such local time: the clocks were put forward'
                    when k.moment is null then 'not a time such as 2026-02-03 14:05:06 or 2026-02-03T14:05:06+01:00'
                    when k.moment < v_from then 'more than two years ago'
                    when k.moment >= v_until then 'in the future'
                    when r.rate is null then 'no commission rate applied then'
                    when a.advertisement is not null and t.price is null and coalesce(k.price, '') = ''
                        then 'the advertisement had no price then'
                end
            ),
            (
                'advertisement', k.advertisement,
                case
                    when coalesce(k.advertisement, '') = '' then 'missing'
                    when k.advertisement_number is null then 'not a number'
                    when a.advertisement is null then 'no such advertisement'
                end
            ),
            (
                'website', k.website,
                case
                    when coalesce(k.website, '') = '' or w.website is not null then null
                    when k.website_number is null then 'not a number'
                    else 'no such website'
                end
            ),
            (
                'price', k.price,
                case
                    when k.price <> '' and k.price !~ '^[0-9]{1,6}(\.[0-9]{1,6})?$'
                        then 'not an amount from 0 to 999999.999999, with a point and at most six decimals'
                end
            )
        ) as p (column_name, value, reason)
        where p.reason is not null;
    end if;
    select count(distinct p.line) into v_bad from click_file_problem as p;
    if clicks + v_bad <> lines then
        raise exception 'lines of the file are neither loaded nor rejected' using
            errcode = 'XX000',
            detail = format('%s lines, %s loaded, %s rejected.', lines, clicks, v_bad),
            hint = 'Each line must bear a number of its own.';
    end if;
    if v_named then
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
