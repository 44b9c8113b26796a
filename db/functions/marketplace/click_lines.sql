create or replace function marketplace.click_lines(p_profile bigint, p_month date, p_transaction bigint)
returns table (
    side text, item bigint, price numeric, commission_rate numeric, clicks bigint, price_amount numeric,
    commission_amount numeric, amount numeric, reason text, click_month date
)
language plpgsql stable security definer rows 10
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    -- Late clicks are of earlier months, so that the month alone does not find them.
    v_ends timestamptz;
    v_begins timestamptz;
begin
    perform books.check_day('p_month', p_month);
    perform marketplace.check_profile(p_profile);
    v_begins := marketplace.day_begins(p_month);
    v_ends := marketplace.day_begins(marketplace.next_month(p_month));
    -- By the index on the profile, either side.
    return query
    select
        'ADVERTISEMENT', c.advertisement, c.price::numeric, null::numeric, count(*), sum(c.price), null::numeric,
        sum(c.price), null::text,
        case when c.click_time < v_begins then marketplace.month_of(c.click_time) else p_month end
    from marketplace.ad_click as c
    where c.profile = p_profile and c.click_time < v_ends and c.advertisement_charge_transaction = p_transaction
    group by c.advertisement, c.price, 10
    union all
    select
        'WEBSITE', c.website, c.price::numeric, c.commission_rate::numeric, count(*), sum(c.price),
        sum(c.price - c.publisher_share), -sum(c.publisher_share), null::text,
        case when c.click_time < v_begins then marketplace.month_of(c.click_time) else p_month end
    from marketplace.ad_click as c
    where c.publisher = p_profile and c.click_time < v_ends and c.website_payment_transaction = p_transaction
    group by c.website, c.price, c.commission_rate, 10;

    -- What was taken back: the click itself stays in the month that charged it. Most transactions have none.
    -- A correction has no profile of its own: another's are behind its transaction.
    if not exists (
        select from marketplace.adjustment as j
        inner join marketplace.transaction as t on j.transaction = t.transaction
        where j.transaction = p_transaction and t.profile = p_profile
    ) then
        return;
    end if;
    return query
    with taken as materialized (
        select j.side, j.click_time, j.ad_click, j.amount, j.reason
        from marketplace.adjustment as j
        where j.transaction = p_transaction
    ),

    found as (
        select t.side, t.click_time, t.ad_click, c.advertisement as item
        from taken as t
        inner join marketplace.ad_click as c
            on c.profile = p_profile and t.click_time = c.click_time and t.ad_click = c.ad_click
        where t.side = 'ADVERTISEMENT'
        union all
        select t.side, t.click_time, t.ad_click, c.website
        from taken as t
        inner join marketplace.ad_click as c
            on c.publisher = p_profile and t.click_time = c.click_time and t.ad_click = c.ad_click
        where t.side = 'WEBSITE'
    )

    select
        t.side, f.item, null::numeric, null::numeric, -count(*), null::numeric, null::numeric, sum(t.amount), t.reason::text,
        null::date
    from taken as t
    left join found as f on t.side = f.side and t.click_time = f.click_time and t.ad_click = f.ad_click
    group by t.side, f.item, t.reason;
end;
$$;

comment on function marketplace.click_lines(bigint, date, bigint) is
'What a transaction of a profile and a month is made of: the lines of report.marketplace_statement_line, and of own_statement_line, whose columns it has (item is their item_number). click_month: of which month the clicks are, an earlier one of late clicks. 42501 another''s; P0002 no such profile. May be null: item, price, commission_rate, price_amount, commission_amount, reason, click_month.';
