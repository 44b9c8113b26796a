-- The columns stand as in billig.posted_log.
create or replace view billig.unrolled_log as
select
    case
        when l.transaction_date <= (select max(c.last_day) from books.accounting_period as c)
            then books.posting_date(l.organisation, l.transaction_date, l.era, l.xact_id)
        else l.transaction_date
    end as posting_date,
    l.*
from (
    -- Both ends are named, so that the planner expects few rows and reads them by transaction_log_xact_idx.
    select t.*
    from billig.transaction_log as t
    where
        t.era = (select b.era from billig.rollup_batch as b order by b.rollup_batch desc limit 1)
        and t.xact_id >= (select b.before_xact_id from billig.rollup_batch as b order by b.rollup_batch desc limit 1)
        and t.xact_id < '18446744073709551615'::xid8
    union all
    select t.*
    from billig.transaction_log as t
    where
        t.era > coalesce((select b.era from billig.rollup_batch as b order by b.rollup_batch desc limit 1), 0)
        and t.era < 2147483647
) as l;

comment on view billig.unrolled_log is
'The tail of the log: rows that are in no roll-up batch yet, with the day they count on (posting_date, as in billig.posted_log). Together with the batches it is every row, in any snapshot.';
