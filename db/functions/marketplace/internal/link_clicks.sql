create or replace function marketplace.link_clicks(p_month date, p_kind text, p_until timestamptz, p_now timestamptz)
returns bigint
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
-- By the index of unlinked clicks, in the order in which they lie: statistics do not know how many there are.
set enable_seqscan = off
set enable_indexscan = off
set enable_mergejoin = off
set jit = off
as $$
declare
    v_begins constant timestamptz := marketplace.day_begins(p_month);
    v_run bigint;
    v_profiles bigint[];
    v_bare boolean;
    v_filled boolean := false;
begin
    perform marketplace.exclude_paused(p_until, p_now);
    perform marketplace.follow_moves(p_until);
    -- One look at the new clicks says whose transactions are wanted, and whether any is not filled yet.
    loop
        select o.profiles, o.is_bare into v_profiles, v_bare from marketplace.new_click_owners(p_until) as o;
        exit when v_filled or v_bare is not true;
        perform marketplace.fill_clicks(p_until);
        v_filled := true;
    end loop;
    perform marketplace.flag_clicks(p_until, p_now);
    insert into marketplace.update_run (month, kind, run_time)
    values (p_month, p_kind, p_now)
    returning update_run into v_run;
    perform marketplace.ensure_transactions(p_month, v_profiles, p_now);

    -- Both sides in one update, each counted from what it changed: pairs of both would be nearly as many as clicks.
    with current as (
        select t.transaction, t.profile
        from marketplace.transaction as t
        where t.month = p_month and t.kind = 'MONTHLY' and t.status = 'CURRENT'
    ),

    linked as (
        update marketplace.ad_click as c
        set advertisement_charge_transaction = a.transaction, website_payment_transaction = w.transaction
        from current as a
        cross join (
            select u.transaction, u.profile from current as u
            union all
            select null, 0
        ) as w
        where
            c.advertisement_charge_transaction is null and c.excluded_at is null
            and c.publisher_share is not null
            and c.click_time at time zone 'UTC' < p_until at time zone 'UTC'
            and c.profile = a.profile
            and coalesce(c.publisher, 0) = w.profile
        returning
            -- Wide rows would go to disk: what names a click is wanted of late ones alone.
            case when c.click_time < v_begins then c.profile end as late_profile,
            case when c.click_time < v_begins then c.click_time end as late_time,
            case when c.click_time < v_begins then c.ad_click end as late_click,
            c.price, c.publisher_share, c.advertisement_charge_transaction, c.website_payment_transaction
    ),

    late as (
        insert into marketplace.late_click (profile, click_time, ad_click, month, update_run)
        select l.late_profile, l.late_time, l.late_click, p_month, v_run
        from linked as l
        where l.late_click is not null
    ),

    side as (
        select
            l.advertisement_charge_transaction as transaction,
            count(*) as advertisement_clicks, sum(l.price) as advertisement_amount,
            0 as website_clicks, 0 as website_amount
        from linked as l
        group by l.advertisement_charge_transaction
        union all
        select l.website_payment_transaction, 0, 0, count(*), -sum(l.publisher_share)
        from linked as l
        where l.website_payment_transaction is not null
        group by l.website_payment_transaction
    )

    insert into marketplace.transaction_subtotal (
        transaction, update_run, profile, advertisement_clicks, advertisement_amount, website_clicks, website_amount
    )
    select
        s.transaction, v_run, t.profile,
        sum(s.advertisement_clicks), sum(s.advertisement_amount), sum(s.website_clicks), sum(s.website_amount)
    from side as s
    inner join current as t on s.transaction = t.transaction
    group by s.transaction, t.profile;

    perform marketplace.add_up(v_run);
    return v_run;
end;
$$;

comment on function marketplace.link_clicks(date, text, timestamptz, timestamptz) is
'Links every click before p_until that is linked to nothing yet to the open month''s transactions, which it creates where there are none; its run''s number. Those of a pause are excluded first, and those of a website that was moved are whose it was. Clicks of closed months are late, and listed. One statement changes clicks and counts what it changed, so that none is counted twice or left out. The month is locked by the caller. Without nested loops: new transactions have no statistics yet, and a plan made for none of them would take hours; without merge joins: they would sort the clicks.';
