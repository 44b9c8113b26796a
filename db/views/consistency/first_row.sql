create or replace view consistency.first_row as
select
    coalesce(t.ticket, l.ticket) as ticket,
    coalesce(l.first_rows, 0) as first_rows,
    t.ticket is not null as ticket_exists
from billig.ticket as t
full join (
    select
        ticket,
        count(*) filter (where billig.takes_seat(transaction_type)) as first_rows,
        (array_agg(transaction_type order by transaction_log))[1] as first_type
    from billig.transaction_log
    group by ticket
) as l on t.ticket = l.ticket
left join billig.transaction_type as y on l.first_type = y.transaction_type
where
    t.ticket is null
    or l.first_rows is distinct from 1
    or y.seats <> 1
    or y.sale_channel is distinct from t.sale_channel;

comment on view consistency.first_row is
'Every ticket has its first row in the log, one, of its channel''s type and before all others; and every log row has a ticket.';
