create or replace view billig.till_report_line as
select
    f.cash_point,
    0 as z_number,
    f.seller,
    f.item,
    f.item_key,
    sum(f.number)::bigint as number,
    sum(f.amount) as amount,
    f.vat_rate,
    sum(f.vat_amount) as vat_amount
from billig.till_figure as f
where f.z_number is null
group by f.cash_point, f.seller, f.item, f.item_key, f.vat_rate
union all
select
    l.cash_point,
    l.z_number,
    l.seller,
    l.item,
    l.item_key,
    l.number,
    l.amount,
    l.vat_rate,
    l.vat_amount
from billig.z_report_line as l;

comment on view billig.till_report_line is
'The items of X and Z reports by operator: z_number 0 is what has come since the last Z report, live; the rest are stored.';
