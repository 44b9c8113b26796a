create or replace view billig.late_log as
select
    r.transaction_log,
    r.organisation,
    r.transaction_date,
    r.posting_date
from billig.late_row as r
union all
select
    u.transaction_log,
    u.organisation,
    u.transaction_date,
    u.posting_date
from billig.unrolled_log as u
where
    exists (select from billig.accounting_period)
    and u.transaction_date <= (select max(c.last_day) from billig.accounting_period as c)
    and u.posting_date > u.transaction_date;

comment on view billig.late_log is
'Log rows that came too late for the closed period they are dated in, and the day they count on instead: those of the batches, kept, and those of the tail, looked for.';
