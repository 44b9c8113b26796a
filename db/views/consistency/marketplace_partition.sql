create or replace view consistency.marketplace_partition as
select
    marketplace.month_of(c.click_time) as month,
    count(*) as clicks,
    min(c.click_time) as first_click_time
from marketplace.ad_click_default as c
group by marketplace.month_of(c.click_time);

comment on view consistency.marketplace_partition is
'No click lies in the default partition: each month''s has one of its own. Make it: select marketplace.ensure_partitions(month, 1).';
