-- Up to where sale_line has come, it has what report.transaction_line has, to the øre.
with come_to as (select max(history_position) as position from {{ ref('sale_line') }}),

loaded as (select count(*) as lines, sum(gross_amount) as gross_amount from {{ ref('sale_line') }}),

there as (
    select count(*) as lines, sum(l.gross_amount) as gross_amount
    from {{ source('report', 'transaction_line') }} as l
    cross join come_to as c
    where l.history_position <= c.position
)

select loaded.lines, there.lines as lines_there, loaded.gross_amount, there.gross_amount as gross_amount_there
from loaded
cross join there
where loaded.lines <> there.lines or loaded.gross_amount <> there.gross_amount
