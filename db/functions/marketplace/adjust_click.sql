create or replace function marketplace.adjust_click(
    p_profile bigint,
    p_click_time timestamptz,
    p_ad_click bigint,
    p_reason text,
    p_now timestamptz default null
)
returns table (
    adjustment bigint, side text, profile bigint, old_transaction bigint, transaction bigint, amount numeric
)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
declare
    v_month date;
    v_run bigint;
    v_click marketplace.ad_click;
    v_status text;
    v_credit numeric;
begin
    p_now := jobs.server_time(p_now);
    if coalesce(p_reason, '') = '' then
        raise exception 'adjusting a click needs a reason' using
            errcode = '22023',
            detail = format('Click %s of profile %s.', p_ad_click, p_profile),
            hint = 'Say in p_reason what was wrong with it.';
    end if;
    v_month := marketplace.lock_open_month(null, p_now);
    select c.* into v_click
    from marketplace.ad_click as c
    where c.profile = p_profile and c.click_time = p_click_time and c.ad_click = p_ad_click;
    if not found then
        raise exception 'no such click' using
            errcode = 'P0002',
            detail = format('Profile %s, %s, click %s.', p_profile, p_click_time, p_ad_click),
            hint = 'They are in marketplace.ad_click; its key is profile, click_time and ad_click.';
    end if;
    select t.status into v_status
    from marketplace.transaction as t
    where t.transaction = v_click.advertisement_charge_transaction;
    if not found or v_status = 'CURRENT' then
        raise exception 'the click is not settled' using
            errcode = '23B64',
            detail = format('Profile %s, %s, click %s: %s.', p_profile, p_click_time, p_ad_click, case
                when v_click.excluded_at is not null then 'excluded'
                when v_status = 'CURRENT' then 'charged in the open month'
                else 'not charged yet'
            end),
            hint = 'Before close, a click is taken out by marketplace.exclude_clicks.';
    end if;
    if exists (
        select from marketplace.adjustment as j
        where j.click_profile = p_profile and j.click_time = p_click_time and j.ad_click = p_ad_click
    ) then
        raise exception 'the click is adjusted already' using
            errcode = '23B65',
            detail = format('Profile %s, %s, click %s.', p_profile, p_click_time, p_ad_click),
            hint = 'It is in marketplace.adjustment; a click is taken back once.';
    end if;

    -- What the advertiser has had back by another road is not given again.
    select least(v_click.price, c.creditable) into v_credit
    from marketplace.creditable(array[v_click.advertisement_charge_transaction]) as c;
    v_credit := coalesce(v_credit, v_click.price);
    perform marketplace.ensure_transactions(v_month, array[v_click.profile, v_click.publisher], p_now);
    insert into marketplace.update_run (month, kind, run_time)
    values (v_month, 'ADJUST', p_now)
    returning update_run into v_run;
    insert into marketplace.adjustment (
        side, profile, click_profile, click_time, ad_click, old_transaction, transaction, update_run, amount, credited,
        reason, made_at
    )
    select
        s.side, s.profile, p_profile, p_click_time, p_ad_click, s.old_transaction, t.transaction, v_run, s.amount, s.credited,
        p_reason, p_now
    from (
        values
        ('ADVERTISEMENT', v_click.profile, v_click.advertisement_charge_transaction, -v_credit, v_click.price - v_credit),
        ('WEBSITE', v_click.publisher, v_click.website_payment_transaction, v_click.publisher_share, 0)
    ) as s (side, profile, old_transaction, amount, credited)
    inner join marketplace.transaction as t on s.profile = t.profile and t.month = v_month and t.kind = 'MONTHLY';
    insert into marketplace.transaction_subtotal (
        transaction, update_run, profile, advertisement_clicks, advertisement_amount, website_clicks, website_amount
    )
    select
        j.transaction, v_run, j.profile,
        0, coalesce(sum(j.amount) filter (where j.side = 'ADVERTISEMENT'), 0),
        0, coalesce(sum(j.amount) filter (where j.side = 'WEBSITE'), 0)
    from marketplace.adjustment as j
    where j.update_run = v_run
    group by j.transaction, j.profile;
    perform marketplace.add_up(v_run);
    perform marketplace.net_accounts(array[v_click.profile, v_click.publisher], p_now);

    return query
    select j.adjustment, j.side, j.profile, j.old_transaction, j.transaction, j.amount
    from marketplace.adjustment as j
    where j.update_run = v_run
    order by j.adjustment;
end;
$$;

comment on function marketplace.adjust_click(bigint, timestamptz, bigint, text, timestamptz) is
'Takes a click back that was found invalid, or charged back, after its month was closed: the whole of it, on both sides, in the open month. The closed transactions stay as they are; the adjustment, one row per side, names the click and the old one. NOK, signed as it is added. What of its charge was refunded, is in dispute or lost is not credited as well; what its owners owe, or are owed, is set off at once. 22023; P0002 no such click; 23B61 no month was ever open; 23B64 it is not settled yet; 23B65 it was taken back before.';
