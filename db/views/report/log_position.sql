create or replace view report.log_position as
select max(l.transaction_log) as transaction_log
from billig.transaction_log as l;

comment on view report.log_position is
'The highest number in the transaction log that this snapshot sees; null: it is empty. One row. What a report says it was made up to: a row with a lower number may still be uncommitted.';
comment on column report.log_position.transaction_log is 'The highest number; null: the log is empty';
