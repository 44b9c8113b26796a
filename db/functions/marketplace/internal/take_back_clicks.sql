create or replace function marketplace.take_back_clicks(
    p_profiles bigint[], p_click_times timestamptz[], p_ad_clicks bigint[], p_reason text, p_side text, p_is_credited boolean,
    p_is_said boolean, p_now timestamptz
)
returns bigint
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_sides constant text[] := case when p_side is null then array['ADVERTISEMENT', 'WEBSITE'] else array[p_side] end;
    v_reason books.name;
    v_made_by constant books.name := session_user;
    v_month date;
    v_clicks marketplace.ad_click[];
    v_run bigint;
    v_owners bigint[];
begin
    if
        coalesce(cardinality(p_profiles), 0) = 0 or btrim(coalesce(p_reason, '')) = '' or p_is_credited is null
        or p_side not in ('ADVERTISEMENT', 'WEBSITE')
        or cardinality(p_profiles) is distinct from cardinality(p_click_times)
        or cardinality(p_profiles) is distinct from cardinality(p_ad_clicks)
    then
        raise exception 'clicks are named by their key, and adjusted for a reason' using
            errcode = '22023',
            detail = format('%s profiles, %s times, %s clicks, side %s, reason %L.',
                cardinality(p_profiles), cardinality(p_click_times), cardinality(p_ad_clicks), coalesce(p_side, 'null'), p_reason),
            hint = 'An array each of profile, click_time and ad_click; side ADVERTISEMENT or WEBSITE, null for both.';
    end if;
    v_reason := p_reason; -- what its domain asks is asked once, and not for each row
    v_month := marketplace.lock_open_month(null, p_now);
    perform marketplace.one_by_one(true);
    perform marketplace.await_clicks(p_profiles, p_click_times, p_ad_clicks);
    perform marketplace.one_by_one(false);
    -- Read once; keys first, clicks then, and what is about them after.
    v_clicks := array(
        select c
        from (
            select distinct k.profile, k.click_time, k.ad_click
            from unnest(p_profiles, p_click_times, p_ad_clicks) as k (profile, click_time, ad_click)
        ) as k
        inner join marketplace.ad_click as c
            on k.profile = c.profile and k.click_time = c.click_time and k.ad_click = c.ad_click
    );
    perform marketplace.check_adjustable(p_profiles, p_click_times, p_ad_clicks, v_clicks, v_sides);
    v_owners := array(
        select c.profile from unnest(v_clicks) as c
        union
        select c.publisher from unnest(v_clicks) as c where c.publisher is not null
    );
    -- What is left of their charges stays so meanwhile: a dispute waits, or was first.
    perform from marketplace.profile as p where p.profile = any (v_owners) order by p.profile for no key update;
    perform marketplace.ensure_transactions(v_month, v_owners, p_now);
    insert into marketplace.update_run (month, kind, run_time)
    values (v_month, 'ADJUST', p_now)
    returning update_run into v_run;

    -- In one statement, at whose end each adjustment finds its subtotal.
    -- What the advertiser has had back by another road is not given again: of each charge, its clicks in their order.
    with asked as (
        select array_agg(x.transaction) as transactions, array_agg(x.price) as prices
        from (
            select c.advertisement_charge_transaction as transaction, sum(c.price) as price
            from unnest(v_clicks) as c
            group by c.advertisement_charge_transaction
        ) as x
    ),

    credit as (
        select
            c.*,
            case
                when p_is_credited then 0
                when l.transaction is null then c.price
                else least(c.price, greatest(0, l.creditable + c.price - sum(c.price) over (
                    partition by l.transaction order by c.click_time, c.profile, c.ad_click rows unbounded preceding
                )))
            end as credit
        from unnest(v_clicks) as c
        left join (
            select x.transaction, x.creditable
            from asked as a
            cross join lateral marketplace.creditable(a.transactions, a.prices) as x
        ) as l on c.advertisement_charge_transaction = l.transaction
    ),

    adjusted as (
        insert into marketplace.adjustment (
            side, profile, click_profile, click_time, ad_click, old_transaction, transaction, update_run, amount, credited,
            is_one_sided, is_said, reason, made_at, made_by
        )
        select
            s.side, s.owner, c.profile, c.click_time, c.ad_click, s.old_transaction, t.transaction, v_run, s.amount, s.credited,
            p_side is not null, p_is_said, v_reason, p_now, v_made_by
        from credit as c
        cross join lateral (
            values
            ('ADVERTISEMENT', c.profile, c.advertisement_charge_transaction, -c.credit, c.price - c.credit),
            ('WEBSITE', c.publisher, c.website_payment_transaction, c.publisher_share, 0)
        ) as s (side, owner, old_transaction, amount, credited)
        inner join marketplace.transaction as t on s.owner = t.profile and t.month = v_month and t.kind = 'MONTHLY'
        where s.side = any (v_sides)
        order by c.click_time, c.profile, c.ad_click, s.side
        returning transaction, profile, side, amount
    )

    insert into marketplace.transaction_subtotal (
        transaction, update_run, profile, advertisement_clicks, advertisement_amount, website_clicks, website_amount
    )
    select
        j.transaction, v_run, j.profile,
        0, coalesce(sum(j.amount) filter (where j.side = 'ADVERTISEMENT'), 0),
        0, coalesce(sum(j.amount) filter (where j.side = 'WEBSITE'), 0)
    from adjusted as j
    group by j.transaction, j.profile;
    perform marketplace.add_up(v_run);
    perform marketplace.net_accounts(v_owners, p_now);
    return v_run;
end;
$$;

comment on function marketplace.take_back_clicks(bigint[], timestamptz[], bigint[], text, text, boolean, boolean, timestamptz) is
'Does what adjust_clicks says; the number of its run. p_is_said: a person says that the money went back by another road; a refund of this ledger''s own is not said. For adjust_clicks, adjust_click and refund_clicks alone. 22023. May be null: p_side.';
