create or replace function marketplace.exclude_clicks(
    p_profiles bigint[],
    p_click_times timestamptz[],
    p_ad_clicks bigint[],
    p_reason text,
    p_now timestamptz default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_month date;
    v_run bigint;
    v_bad record;
    v_excluded bigint;
begin
    perform books.check_text('p_reason', p_reason);
    p_profiles := books.list('p_profiles', p_profiles);
    p_click_times := books.list('p_click_times', p_click_times);
    p_ad_clicks := books.list('p_ad_clicks', p_ad_clicks);
    p_now := jobs.server_time(p_now);
    if
        cardinality(p_profiles) is null or btrim(coalesce(p_reason, '')) = ''
        or cardinality(p_profiles) is distinct from cardinality(p_click_times)
        or cardinality(p_profiles) is distinct from cardinality(p_ad_clicks)
    then
        raise exception 'clicks are named by their key, and excluded for a reason' using
            errcode = '22023',
            detail = format('%s profiles, %s times, %s clicks, reason %L.',
                cardinality(p_profiles), cardinality(p_click_times), cardinality(p_ad_clicks), p_reason),
            hint = 'profile, click_time and ad_click of marketplace.ad_click, an array of each.';
    end if;
    v_month := marketplace.lock_open_month(null, p_now);

    perform marketplace.one_by_one(true);
    perform marketplace.await_clicks(p_profiles, p_click_times, p_ad_clicks);

    with key as materialized (
        select k.profile, k.click_time, k.ad_click
        from unnest(p_profiles, p_click_times, p_ad_clicks) as k (profile, click_time, ad_click)
    ),

    found as materialized (
        select c.profile, c.click_time, c.ad_click, c.advertisement_charge_transaction
        from marketplace.ad_click as c
        inner join key as k on c.profile = k.profile and c.click_time = k.click_time and c.ad_click = k.ad_click
    )

    select k.profile, k.click_time, k.ad_click, c.ad_click is null as is_missing, t.month
    into v_bad
    from key as k
    left join found as c on k.profile = c.profile and k.click_time = c.click_time and k.ad_click = c.ad_click
    left join marketplace.transaction as t on c.advertisement_charge_transaction = t.transaction
    where c.ad_click is null or t.status <> 'CURRENT'
    order by c.ad_click is null desc
    limit 1;
    if v_bad.is_missing then
        raise exception 'no such click' using
            errcode = 'P0002',
            detail = format('Profile %s, %s, click %s.', v_bad.profile, v_bad.click_time, v_bad.ad_click),
            hint = 'They are in marketplace.ad_click. None was excluded.';
    elsif v_bad.month is not null then
        raise exception 'the click is settled' using
            errcode = '23B63',
            detail = format('Profile %s, %s, click %s: charged in %s, which is closed.',
                v_bad.profile, v_bad.click_time, v_bad.ad_click, v_bad.month),
            hint = 'Take it back in the open month: marketplace.adjust_click. None was excluded.';
    end if;

    insert into marketplace.update_run (month, kind, run_time)
    values (v_month, 'EXCLUDE', p_now)
    returning update_run into v_run;
    with old as materialized (
        select
            c.profile, c.click_time, c.ad_click, c.publisher, c.price, c.publisher_share,
            c.advertisement_charge_transaction, c.website_payment_transaction
        from marketplace.ad_click as c
        inner join (
            select distinct k.profile, k.click_time, k.ad_click
            from unnest(p_profiles, p_click_times, p_ad_clicks) as k (profile, click_time, ad_click)
        ) as k on c.profile = k.profile and c.click_time = k.click_time and c.ad_click = k.ad_click
        where c.excluded_at is null
    ),

    excluded as (
        update marketplace.ad_click as c
        set
            excluded_at = p_now, excluded_by = session_user, excluded_reason = p_reason,
            advertisement_charge_transaction = null, website_payment_transaction = null
        from old as o
        where c.profile = o.profile and c.click_time = o.click_time and c.ad_click = o.ad_click
        returning o.*
    ),

    side as (
        select
            e.advertisement_charge_transaction as transaction, e.profile,
            1 as advertisement_clicks, e.price as advertisement_amount, 0 as website_clicks, 0 as website_amount
        from excluded as e
        where e.advertisement_charge_transaction is not null
        union all
        select e.website_payment_transaction, e.publisher, 0, 0, 1, -e.publisher_share
        from excluded as e
        where e.website_payment_transaction is not null
    ),

    subtotal as (
        insert into marketplace.transaction_subtotal (
            transaction, update_run, profile, advertisement_clicks, advertisement_amount, website_clicks, website_amount
        )
        select
            s.transaction, v_run, s.profile,
            -sum(s.advertisement_clicks), -sum(s.advertisement_amount), -sum(s.website_clicks), -sum(s.website_amount)
        from side as s
        group by s.transaction, s.profile
    )

    select count(*) into v_excluded from excluded;
    perform marketplace.one_by_one(false);
    perform marketplace.add_up(v_run);
    return v_excluded;
end;
$$;

comment on function marketplace.exclude_clicks(bigint[], timestamptz[], bigint[], text, timestamptz) is
'Takes clicks known to be fraud out of what is charged and paid, before their month is closed, all or none; how many were not excluded already. They stay, with the reason. 22023; P0002 no such click; 23B61 no month was ever open; 23B63 it is settled.';
