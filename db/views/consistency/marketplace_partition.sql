create or replace view consistency.marketplace_partition as
select c.month, c.clicks, c.first_click_time
from marketplace.unsorted_clicks() as c;

comment on view consistency.marketplace_partition is
'No click lies in the default partition: each month''s has one of its own. Make it: select marketplace.ensure_partitions(month, 1).';
