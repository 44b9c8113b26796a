-- The day stands first and the log's own columns after it, so that a column which the log gets is the last one here too.
create or replace view billig.posted_log as
select
    l.transaction_date as posting_date,
    false as is_late,
    (billig.is_price_change(l.transaction_type) or billig.is_vat_change(l.transaction_type)) and exists (
        select from billig.transaction_log as f
        where
            f.ticket = l.ticket and f.transaction_type = l.transaction_type
            and f.transaction_time = l.transaction_time and f.transaction_log < l.transaction_log
    ) as is_second_row,
    l.*
from billig.transaction_log as l
where not exists (select from billig.late_rows() as t where t.transaction_log = l.transaction_log)
union all
select
    t.posting_date,
    true,
    (billig.is_price_change(l.transaction_type) or billig.is_vat_change(l.transaction_type)) and exists (
        select from billig.transaction_log as f
        where
            f.ticket = l.ticket and f.transaction_type = l.transaction_type
            and f.transaction_time = l.transaction_time and f.transaction_log < l.transaction_log
    ),
    l.*
from billig.late_rows() as t
inner join billig.transaction_log as l on t.transaction_log = l.transaction_log;

comment on view billig.posted_log is
'The transaction log with the day each row counts on. posting_date: transaction_date, save for a row that is dated in a closed period and that its close did not see, because its transaction was still open: it counts on the first day of the first later period that is open, or whose own close sees it (is_late). So the rows of a closed period never change. Ask by posting_date: that is as fast as by transaction_date.';
comment on column billig.posted_log.posting_date is 'The day it counts on, in a report over a period';
comment on column billig.posted_log.is_late is 'It came too late for the period that it is dated in';
comment on column billig.posted_log.is_second_row is 'It is the second of the two rows of one change: a change of price group or of VAT that took the old out and the new in';
