create or replace view consistency.z_report as
select
    coalesce(l.cash_point, f.cash_point) as cash_point,
    coalesce(l.z_number, f.z_number) as z_number,
    coalesce(l.seller, f.seller) as seller,
    coalesce(l.item, f.item) as item,
    coalesce(l.item_key, f.item_key) as item_key,
    l.number as stored_number,
    f.number as found_number,
    l.amount as stored_amount,
    f.amount as found_amount
from (
    select
        t.cash_point,
        t.z_number,
        t.seller,
        t.item,
        case when t.item in ('ARTICLE_GROUP', 'ADVANCE_SALES') then '' else t.item_key end as item_key,
        sum(case when t.item in ('ARTICLE_GROUP', 'ADVANCE_SALES') then 0 else t.number end) as number,
        sum(t.amount) as amount,
        sum(t.vat_amount) as vat_amount
    from billig.z_report_line as t
    group by 1, 2, 3, 4, 5
) as l
full join (
    select
        g.cash_point,
        g.z_number,
        g.seller,
        g.item,
        case when g.item in ('ARTICLE_GROUP', 'ADVANCE_SALES') then '' else g.item_key end as item_key,
        sum(case when g.item in ('ARTICLE_GROUP', 'ADVANCE_SALES') then 0 else g.number end) as number,
        sum(g.amount) as amount,
        sum(g.vat_amount) as vat_amount
    from billig.till_figure as g
    where g.z_number is not null
    group by 1, 2, 3, 4, 5
) as f
    on
        l.cash_point = f.cash_point and l.z_number = f.z_number and l.seller = f.seller and l.item = f.item
        and l.item_key = f.item_key
where
    l.number is distinct from f.number
    or l.amount is distinct from f.amount
    or l.vat_amount is distinct from f.vat_amount
union all
select
    z.cash_point,
    z.z_number,
    null,
    'SALES AND RETURNS',
    '',
    null,
    null,
    z.sales - z.returns,
    (
        select coalesce(sum(l.amount), 0)
        from billig.z_report_line as l
        where l.cash_point = z.cash_point and l.z_number = z.z_number and l.item = 'TOTAL_CASH_SALES'
    )
from billig.z_report as z
where
    z.sales - z.returns <> (
        select coalesce(sum(l.amount), 0)
        from billig.z_report_line as l
        where l.cash_point = z.cash_point and l.z_number = z.z_number and l.item = 'TOTAL_CASH_SALES'
    )
    or z.returns <> (
        select coalesce(sum(l.amount), 0)
        from billig.z_report_line as l
        where l.cash_point = z.cash_point and l.z_number = z.z_number and l.item = 'RETURNS'
    );

comment on view consistency.z_report is
'A Z report is what its sessions'' payments and events say, item by item (NOK), and its totals are those of its items. That numbers have no gap and grand totals go on is kept by constraint. Of article groups the amounts together: the programme may give an event another type later, and the report keeps the one it had.';
