create or replace function marketplace.profile_statement(p_profile bigint, p_month date)
returns table (
    what text, transaction bigint, kind text, side text, item bigint, item_name text, of_month date, price numeric,
    commission_rate numeric, clicks bigint, amount numeric, reason text
)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_begins timestamptz;
    v_ends timestamptz;
begin
    perform books.check_day('p_month', p_month);
    perform marketplace.check_profile(p_profile);
    v_begins := marketplace.day_begins(p_month);
    v_ends := marketplace.day_begins(marketplace.next_month(p_month));
    return query
    with line as (
        select
            case when l.reason is not null then 'TAKEN_BACK' when l.click_month < p_month then 'LATE' else 'CLICKS' end as what,
            t.transaction, t.kind, l.side, l.item, coalesce(l.click_month, p_month) as of_month, l.price, l.commission_rate, l.clicks,
            l.amount, coalesce(l.reason, t.reason) as reason
        from marketplace.transaction as t
        cross join lateral marketplace.click_lines(t.profile, t.month, t.transaction) as l
        where t.profile = p_profile and t.month = p_month
    ),

    -- Clicks of the month by the transaction that has them; which of those are of a later month is asked after.
    clicked as materialized (
        select
            'ADVERTISEMENT' as side, c.advertisement as item, c.advertisement_charge_transaction as transaction, c.price::numeric as price,
            null::numeric as commission_rate, count(*) as clicks, sum(c.price) as amount
        from marketplace.ad_click as c
        where
            c.profile = p_profile and c.click_time >= v_begins and c.click_time < v_ends
            and c.advertisement_charge_transaction is not null
        group by c.advertisement, c.advertisement_charge_transaction, c.price
        union all
        select
            'WEBSITE', c.website, c.website_payment_transaction, c.price::numeric, c.commission_rate::numeric, count(*),
            -sum(c.publisher_share)
        from marketplace.ad_click as c
        where
            c.publisher = p_profile and c.click_time >= v_begins and c.click_time < v_ends
            and c.website_payment_transaction is not null
        group by c.website, c.website_payment_transaction, c.price, c.commission_rate
    ),

    part as (
        select * from line
        union all
        select
            'LATER', k.transaction, t.kind, k.side, k.item, t.month, k.price, k.commission_rate, k.clicks, k.amount,
            'came late: stands in the statement of a later month'
        from clicked as k
        inner join marketplace.transaction as t on k.transaction = t.transaction
        where t.month > p_month
    )

    select
        p.what, p.transaction, p.kind, p.side, p.item, coalesce(a.advertisement_name, w.website_name)::text, p.of_month, p.price,
        p.commission_rate, p.clicks, p.amount, p.reason::text
    from part as p
    left join marketplace.advertisement as a on p.side = 'ADVERTISEMENT' and p.item = a.advertisement
    left join marketplace.website as w on p.side = 'WEBSITE' and p.item = w.website
    order by array_position(array['CLICKS', 'LATE', 'TAKEN_BACK', 'LATER'], p.what), p.side, p.item, p.of_month, p.price;
end;
$$;

comment on function marketplace.profile_statement(bigint, date) is
'What a profile''s month is made of, a row for each advertisement or website and price: CLICKS of the month; LATE ones of earlier months (of_month), which came after their month was closed; clicks TAKEN_BACK, and why (clicks below 0): these three are the amounts of its statement. LATER: clicks of this month that stand in a later one''s (of_month): with CLICKS they are all that was clicked in the month. amount: NOK, above 0 the profile owes us. 22023; 42501 another''s; P0002 no such profile. May be null: item, item_name, price, commission_rate, reason.';
