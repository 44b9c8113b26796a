create or replace function marketplace.verify_adjustments(p_month date)
returns table (profile bigint, transaction bigint, click_time timestamptz, ad_click bigint, expected numeric, found numeric, detail text)
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
begin
    -- An adjustment takes back the whole of a click, on each side that it has, from where it is linked.
    return query
    with made as materialized (
        select j.*
        from marketplace.adjustment as j
        inner join marketplace.transaction as t on j.transaction = t.transaction
        where t.month = p_month
    ),

    key as materialized (
        select distinct m.click_profile, m.click_time, m.ad_click from made as m
    ),

    found as materialized (
        select
            c.profile, c.click_time, c.ad_click, c.publisher, c.price, c.publisher_share,
            c.advertisement_charge_transaction, c.website_payment_transaction
        from marketplace.ad_click as c
        inner join key as k on c.profile = k.click_profile and c.click_time = k.click_time and c.ad_click = k.ad_click
    ),

    adjusted as (
        select
            m.*,
            case m.side when 'ADVERTISEMENT' then m.credited - f.price else f.publisher_share end as click_amount,
            case m.side
                when 'ADVERTISEMENT' then f.advertisement_charge_transaction else f.website_payment_transaction
            end as click_transaction,
            case when f.publisher is null then 1 else 2 end as sides
        from made as m
        left join found as f on m.click_profile = f.profile and m.click_time = f.click_time and m.ad_click = f.ad_click
    )

    select
        a.profile, a.transaction, a.click_time, a.ad_click, a.click_amount, a.amount,
        format('NOK of the click''s side %s, linked to transaction %s, and as adjusted, of %s', a.side, a.click_transaction, a.old_transaction)
    from adjusted as a
    where
        a.click_amount is distinct from a.amount or a.click_transaction is distinct from a.old_transaction
        or not a.is_one_sided and a.sides <> (
            select count(*)
            from marketplace.adjustment as o
            where o.click_profile = a.click_profile and o.click_time = a.click_time and o.ad_click = a.ad_click
        );
end;
$$;

comment on function marketplace.verify_adjustments(date) is
'Adjustments of a month that do not take back the whole of their click, one row each, NOK. For verify_month alone. May be null: expected.';
