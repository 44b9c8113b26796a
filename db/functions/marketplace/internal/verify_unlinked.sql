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
    select
        case when v_month.closed_at is not null and u.is_hopeless then 'ERROR' else 'INFO' end,
        u.profile, min(u.click_time), count(*),
        case when u.is_hopeless
            then 'not linked to a transaction, nor ever will be: without price, rate or website'
            else 'not linked to a transaction: the next update does it'
        end
    from (
        select
            c.profile, c.click_time,
            c.publisher_share is null and not (
                (c.website is null or exists (select from marketplace.website as w where w.website = c.website))
                and exists (
                    select
                    from marketplace.advertisement as a
                    cross join lateral marketplace.price_at(a.advertisement, c.click_time) as p
                    where a.advertisement = c.advertisement and a.profile = c.profile
                )
                and exists (
                    select from marketplace.commission_rate as r where marketplace.day_begins(r.valid_from) <= c.click_time
                )
            ) as is_hopeless
        from marketplace.ad_click as c
        where
            c.advertisement_charge_transaction is null and c.excluded_at is null
            and c.click_time >= case when v_month.is_first then '-infinity' else v_begins end
            and c.click_time < v_ends
    ) as u
    group by u.profile, u.is_hopeless;
end;
$$;

comment on function marketplace.verify_unlinked(date) is
'Clicks of a month that no transaction has, one row per profile: they wait for the next update, or, after the month is closed, are an ERROR where none can ever link them. The first month answers for what is older. For verify_month alone.';
