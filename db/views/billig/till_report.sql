create or replace view billig.till_report as
select
    r.cash_point,
    r.z_number,
    r.business_date,
    i.place,
    i.item,
    coalesce(l.item_key, '') as item_key,
    l.seller,
    coalesce(l.number, 0) as number,
    case i.item
        when 'GRAND_TOTAL_SALES' then r.grand_sales
        when 'GRAND_TOTAL_RETURN' then r.grand_returns
        when 'GRAND_TOTAL_NET' then r.grand_sales - r.grand_returns
        else coalesce(l.amount, 0)
    end as amount,
    l.vat_rate,
    l.vat_amount
from (
    select
        z.cash_point,
        z.z_number,
        z.business_date::date,
        z.grand_total_sales as grand_sales,
        z.grand_total_returns as grand_returns
    from billig.z_report as z
    union all
    select
        c.cash_point,
        0,
        null,
        coalesce(z.grand_total_sales, 0) + s.sales,
        coalesce(z.grand_total_returns, 0) + s.returns
    from billig.cash_point as c
    left join lateral (
        select
            g.grand_total_sales,
            g.grand_total_returns
        from billig.z_report as g
        where g.cash_point = c.cash_point
        order by g.z_number desc
        limit 1
    ) as z on true
    cross join lateral (
        select
            coalesce(sum(l.amount), 0) as sales,
            coalesce(sum(l.amount) filter (where l.item = 'RETURNS'), 0) as returns
        from billig.till_report_line as l
        where l.cash_point = c.cash_point and l.z_number = 0 and l.item in ('TOTAL_CASH_SALES', 'RETURNS')
    ) as s
) as r
cross join billig.till_report_item as i
left join (
    select
        t.cash_point,
        t.z_number,
        t.item,
        t.item_key,
        null as seller,
        sum(t.number)::bigint as number,
        sum(t.amount) as amount,
        t.vat_rate,
        sum(t.vat_amount) as vat_amount
    from billig.till_report_line as t
    group by t.cash_point, t.z_number, t.item, t.item_key, t.vat_rate
    union all
    select
        t.cash_point,
        t.z_number,
        t.item,
        t.item_key,
        t.seller,
        t.number,
        t.amount,
        t.vat_rate,
        t.vat_amount
    from billig.till_report_line as t
) as l on r.cash_point = l.cash_point and r.z_number = l.z_number and i.item = l.item;

comment on view billig.till_report is
'X reports (z_number 0, live) and Z reports, complete: every item of billig.till_report_item for the whole cash point (seller null; 0 where there is nothing to report), then by operator. Ask by cash_point and z_number.';
