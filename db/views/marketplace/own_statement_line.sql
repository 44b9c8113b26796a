create or replace view marketplace.own_statement_line with (security_invoker = true) as
select
    t.transaction,
    t.month,
    t.kind,
    t.profile,
    l.side,
    l.item,
    coalesce(a.advertisement_name, w.website_name) as item_name,
    l.price,
    l.commission_rate,
    l.clicks,
    l.price_amount,
    l.commission_amount,
    l.amount,
    l.reason
from marketplace.transaction as t
cross join lateral (
    -- By the index on the profile; late clicks are of earlier months, so that the month alone does not find them.
    select
        'ADVERTISEMENT' as side,
        c.advertisement as item,
        c.price,
        null::numeric as commission_rate,
        count(*) as clicks,
        sum(c.price) as price_amount,
        null::numeric as commission_amount,
        sum(c.price) as amount,
        null::text as reason
    from marketplace.ad_click as c
    where
        c.profile = t.profile
        and c.click_time < marketplace.day_begins(marketplace.next_month(t.month))
        and c.advertisement_charge_transaction = t.transaction
    group by c.advertisement, c.price
    union all
    select
        'WEBSITE',
        c.website,
        c.price,
        c.commission_rate,
        count(*),
        sum(c.price),
        sum(c.price - c.publisher_share),
        -sum(c.publisher_share),
        null
    from marketplace.ad_click as c
    where
        c.publisher = t.profile
        and c.click_time < marketplace.day_begins(marketplace.next_month(t.month))
        and c.website_payment_transaction = t.transaction
    group by c.website, c.price, c.commission_rate
    union all
    -- What was taken back: the click itself stays in the month that charged it.
    select
        j.side,
        case j.side when 'ADVERTISEMENT' then c.advertisement else c.website end,
        null,
        null,
        -count(*),
        null,
        null,
        sum(j.amount),
        j.reason
    from marketplace.adjustment as j
    left join marketplace.ad_click as c
        on j.click_time = c.click_time and j.ad_click = c.ad_click -- whose it is, is not told
    where j.transaction = t.transaction
    group by j.side, case j.side when 'ADVERTISEMENT' then c.advertisement else c.website end, j.reason
) as l
left join marketplace.advertisement as a on l.side = 'ADVERTISEMENT' and l.item = a.advertisement
left join marketplace.website as w on l.side = 'WEBSITE' and l.item = w.website;

comment on view marketplace.own_statement_line is
'report.marketplace_statement_line as a profile''s own role sees it: its own. Runs with its caller''s rights: row-level security decides. Ask by transaction.';
