create or replace view report.overdue_charge as
select
    w.transaction,
    w.profile,
    w.profile_name,
    w.month,
    w.amount::numeric(14, 2) as amount,
    w.due_since as was_due_on,
    billig.local_time()::date - w.due_since as days_overdue,
    case
        when billig.local_time()::date - w.due_since <= 30 then '0-30'
        when billig.local_time()::date - w.due_since <= 60 then '31-60'
        when billig.local_time()::date - w.due_since <= 90 then '61-90'
        else 'OVER 90'
    end as age_group,
    w.code,
    w.turn
from marketplace.waiting() as w
where w.kind = 'CHARGE' and w.due_since <= billig.local_time()::date;

comment on view report.overdue_charge is
'Charges whose day has come and that are not paid, by age, a row each: what advertisers owe. NOK, above 0, less what was set off or settled.';
comment on column report.overdue_charge.transaction is 'The transaction (report.marketplace_transaction)';
comment on column report.overdue_charge.profile is 'Who owes it';
comment on column report.overdue_charge.profile_name is 'Its name, as it is now';
comment on column report.overdue_charge.month is 'First day of the month that it is for';
comment on column report.overdue_charge.amount is 'NOK, above 0: what is left of it';
comment on column report.overdue_charge.was_due_on is 'The local day on which it was to be charged';
comment on column report.overdue_charge.days_overdue is 'Days since then';
comment on column report.overdue_charge.age_group is 'The range that days_overdue lies in';
comment on column report.overdue_charge.code is 'What it waits for: of marketplace.next_step';
comment on column report.overdue_charge.turn is 'Whose turn it is: PERSON, OPERATOR, GATEWAY or TIME';
