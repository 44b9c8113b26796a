create or replace view consistency.log_origin as
with era as (
    -- A restored dump that was not deployed yet is era_is_current's to tell.
    select max(e.era) as era
    from deploy.era as e
    having not exists (select from consistency.era_is_current)
),

transaction_of_log as (
    select l.era, l.xact_id, count(distinct l.login_role) as logins
    from billig.transaction_log as l
    group by l.era, l.xact_id
    having count(distinct l.login_role) > 1
),

problem as (
    select l.transaction_log, l.ticket, 'its transaction has not begun yet' as problem
    from billig.transaction_log as l
    inner join era as e on l.era = e.era
    where l.xact_id >= pg_snapshot_xmax(pg_current_snapshot())
    union all
    select l.transaction_log, l.ticket, 'its era has not begun yet'
    from billig.transaction_log as l
    inner join era as e on l.era > e.era
    union all
    select l.transaction_log, l.ticket, 'its time has not come yet'
    from billig.transaction_log as l
    where l.transaction_time > clock_timestamp()
    union all
    select l.transaction_log, l.ticket, 'its day is not that of its time'
    from billig.transaction_log as l
    where l.transaction_date <> billig.local_time(l.transaction_time)::date
    union all
    select l.transaction_log, l.ticket, 'its transaction has several logins'
    from billig.transaction_log as l
    inner join transaction_of_log as t on l.era = t.era and l.xact_id = t.xact_id
    union all
    select l.transaction_log, l.ticket, 'its payment is another transaction''s'
    from billig.transaction_log as l
    inner join billig.payment as p on l.payment = p.payment
    where l.xact_id <> p.xact_id
)

select p.transaction_log, p.ticket, p.problem
from problem as p;

comment on view consistency.log_origin is
'Who, when and in which transaction a log row says it was written agrees with what else knows it: a transaction and an era that have begun, a time that has come, on its local day, one login in a transaction, and the transaction of its payment. What an owner changes beyond this, all at once, is not found inside the database.';
