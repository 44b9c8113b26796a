create or replace function marketplace.tell_click_problems(p_from timestamptz, p_until timestamptz)
returns void
language plpgsql
-- click_file_line and click_file_problem are the temporary ones, as in take_click_lines.
set search_path = pg_catalog, pg_temp, marketplace
set plan_cache_mode = force_custom_plan
as $$
begin
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
                when k.moment < p_from then 'too long ago'
                when k.moment >= p_until then 'in the future'
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
                when k.price <> '' and k.price !~ '^[0-9]{1,6}([.][0-9]{1,6})?$'
                    then 'not an amount from 0 to 999999.999999, with a point and at most six decimals'
            end
        )
    ) as p (column_name, value, reason)
    where p.reason is not null;
end;
$$;

comment on function marketplace.tell_click_problems(timestamptz, timestamptz) is
'Says in the temporary table click_file_problem what is wrong with the lines of click_file_line that did not become clicks: each column''s fault by itself. p_from, p_until: when clicks may be. For take_click_lines alone.';
