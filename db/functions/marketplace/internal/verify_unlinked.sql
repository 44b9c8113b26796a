create or replace function marketplace.verify_unlinked(p_month date)
returns table (severity text, profile bigint, first_time timestamptz, clicks bigint, detail text)
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
declare
    v_begins constant timestamptz := marketplace.day_begins(p_month);
    v_ends constant timestamptz := marketplace.day_begins(marketplace.next_month(p_month));
    v_month marketplace.month;
begin
    select m.* into v_month from marketplace.month as m where m.month = p_month;
    -- What came after the last update waits for the next, also where its month is closed: it will be late. What no update
    -- can link is wrong. Clicks from before the first month are nobody else's to tell of.
    return query
    with unlinked as materialized (
        -- By time only where a price or a rate is wanted of it.
        select
            c.profile, c.advertisement, c.website, case when c.publisher_share is null then c.click_time end as bare_time,
            min(c.click_time) as first_time, count(*) as clicks
        from marketplace.ad_click as c
        where
            c.advertisement_charge_transaction is null and c.excluded_at is null
            and c.click_time >= case when v_month.is_first then '-infinity' else v_begins end
            and c.click_time < v_ends
        group by 1, 2, 3, 4
    ),

    judged as (
        select
            u.profile, u.first_time, u.clicks,
            u.bare_time is not null and not (
                (u.website is null or exists (select from marketplace.website as w where w.website = u.website))
                and exists (
                    select
                    from marketplace.advertisement as a
                    inner join marketplace.advertisement_tariff as p on a.advertisement = p.advertisement
                    where a.advertisement = u.advertisement and a.profile = u.profile and p.valid_from <= u.bare_time
                )
                and exists (
                    select from marketplace.commission_rate as r where marketplace.day_begins(r.valid_from) <= u.bare_time
                )
            ) as is_hopeless
        from unlinked as u
    )

    select
        case when v_month.closed_at is not null and j.is_hopeless then 'ERROR' else 'INFO' end,
        j.profile, min(j.first_time), sum(j.clicks)::bigint,
        case when j.is_hopeless
            then 'not linked to a transaction: it has no price, rate or website, and no update links it until it has'
            else 'not linked to a transaction: the next update does it'
        end
    from judged as j
    group by j.profile, j.is_hopeless;
end;
$$;

comment on function marketplace.verify_unlinked(date) is
'Clicks of a month that no transaction has, one row per profile: they wait for the next update, or, after the month is closed, are an ERROR where none can link them as things stand: a price, a rate or a website is missing. The first month answers for what is older. For verify_month alone.';
