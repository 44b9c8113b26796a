-- The money of the log, line by line. Each run takes what became final since the last one: everything that ever commits is
-- below the watermark once, and only once. A highest transaction_log would lose what commits late.
{{ config(materialized='incremental', unique_key=['transaction_log', 'component'], incremental_strategy='delete+insert') }}

{% set columns %}
    transaction_log,
    component,
    history_position,
    posting_date,
    sale_date,
    organisation_name,
    event,
    event_name,
    event_time,
    project,
    project_name,
    sale_channel,
    kind,
    vat_code,
    vat_code_name,
    gross_amount,
    net_amount,
    vat_amount
{% endset %}

select {{ columns }}
from {{ source('report', 'transaction_line') }}
where
    history_position < (select final_before from {{ source('report', 'watermark') }})
{% if is_incremental() %}
    and history_position > (select coalesce(max(history_position), 0) from {{ this }})
union all
-- and again what counts on another day since a period was closed: few, if any
select {{ columns }}
from {{ source('report', 'transaction_line') }}
where
    history_position <= (select coalesce(max(history_position), 0) from {{ this }})
    and transaction_log in (select transaction_log from {{ source('report', 'late_transaction') }})
{% endif %}
