{{ config(materialized='table') }}

select
    event,
    min(event_name) as event_name,
    event_time,
    posting_date,
    sale_channel,
    sum(gross_amount)::numeric(14, 2) as gross_amount,
    sum(net_amount)::numeric(14, 2) as net_amount
from {{ ref('sale_line') }}
group by event, event_time, posting_date, sale_channel
