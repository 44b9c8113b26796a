create or replace function marketplace.verify_adjustments(p_month date)
returns table (profile bigint, transaction bigint, click_time timestamptz, ad_click bigint, expected numeric, found numeric, detail text)
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
begin
    -- An adjustment takes back the whole of a click, on each side that it has, from where it is linked.
    return query
    select
        j.profile, j.transaction, j.click_time, j.ad_click, x.amount, j.amount,
        format('NOK of the click''s side %s, linked to transaction %s, and as adjusted, of %s', j.side, x.transaction, j.old_transaction)
    from marketplace.adjustment as j
    inner join marketplace.transaction as t on j.transaction = t.transaction
    left join lateral (
        -- One by one: they are few, and a join would read all clicks.
        select
            case j.side when 'ADVERTISEMENT' then j.credited - c.price else c.publisher_share end as amount,
            case j.side
                when 'ADVERTISEMENT' then c.advertisement_charge_transaction else c.website_payment_transaction
            end as transaction,
            case when c.publisher is null then 1 else 2 end as sides
        from marketplace.ad_click as c
        where c.profile = j.click_profile and c.click_time = j.click_time and c.ad_click = j.ad_click
        limit 1
    ) as x on true
    where
        t.month = p_month
        and (
            x.amount is distinct from j.amount or x.transaction is distinct from j.old_transaction
            or not j.is_one_sided and x.sides <> (
                select count(*)
                from marketplace.adjustment as o
                where o.click_profile = j.click_profile and o.click_time = j.click_time and o.ad_click = j.ad_click
            )
        );
end;
$$;

comment on function marketplace.verify_adjustments(date) is
'Adjustments of a month that do not take back the whole of their click, one row each, NOK. For verify_month alone. May be null: expected.';
