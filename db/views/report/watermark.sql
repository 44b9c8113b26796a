create or replace view report.watermark as
select
    billig.history_position(c.era, pg_snapshot_xmin(s.snapshot)) as final_before,
    pg_snapshot_xmax(s.snapshot)::text::bigint - pg_snapshot_xmin(s.snapshot)::text::bigint as numbers_waiting,
    now() as seen_at
from (select max(e.era) as era from deploy.era as e) as c
cross join (select pg_current_snapshot() as snapshot) as s;

comment on view report.watermark is
'Up to where history is final, in this snapshot; one row. All rows whose history_position (report.transaction, report.transaction_line, report.ticket_payment) is below final_before are there, and none will ever be added below it: whoever took a number below it has committed or is gone. So who reads in increments keeps final_before, and takes next time the rows from it on and below the new one. A highest transaction_log is no such mark: numbers are drawn before they are committed. One thing of a row may still move, its posting_date, by a period''s close that runs meanwhile: report.late_transaction has those rows, few, to be taken again.';
comment on column report.watermark.final_before is 'Rows whose history_position is below this are final; it never goes back';
comment on column report.watermark.numbers_waiting is
'Transaction numbers from the oldest one that is still open on; 0: nothing is open, and all that this snapshot sees is final. Where it stays high, a transaction was left open';
comment on column report.watermark.seen_at is 'When the transaction that asks began';
