create or replace view billig.unrolled_log as
select
    l.transaction_log,
    l.transaction_time,
    l.ticket,
    l.purchase,
    l.payment,
    l.exchange,
    l.related_ticket,
    l.xact_id,
    l.transaction_date,
    l.price_group,
    l.ticket_group,
    l.event,
    l.organisation,
    l.project,
    l.cash_point,
    l.era,
    l.transaction_type,
    l.vat_code,
    l.fee_vat_code,
    l.override_used,
    l.first_of_payment,
    l.seller,
    l.login_role,
    l.price,
    l.amount,
    l.fee_amount,
    l.vat_rate,
    l.vat_amount,
    l.fee_vat_rate,
    l.fee_vat_amount,
    case
        when l.transaction_date <= (select max(c.last_day) from books.accounting_period as c)
            then books.posting_date(l.organisation, l.transaction_date, l.era, l.xact_id)
        else l.transaction_date
    end as posting_date
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
