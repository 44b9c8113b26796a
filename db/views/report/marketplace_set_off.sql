create or replace view report.marketplace_set_off as
select
    s.set_off,
    x.transaction,
    s.profile,
    (s.made_at at time zone books.time_zone())::date as set_off_on,
    o.month as other_month,
    x.other_transaction,
    x.amount::numeric(14, 2) as amount,
    s.is_rest,
    (select p.profile_name from marketplace.profile as p where p.profile = s.profile) as profile_name
from marketplace.set_off as s
cross join lateral (
    values
    (s.debt, s.claim, -s.amount),
    (s.claim, s.debt, s.amount)
) as x (transaction, other_transaction, amount)
inner join marketplace.transaction as o on x.other_transaction = o.transaction;

comment on view report.marketplace_set_off is
'What was set off between months of a profile (M9), a row for each of the two transactions: neither was charged or paid. Ask by transaction or profile.';
comment on column report.marketplace_set_off.set_off is 'Number of what was set off; both of its rows have it';
comment on column report.marketplace_set_off.transaction is 'The transaction that it was taken off';
comment on column report.marketplace_set_off.profile is 'Whose it is';
comment on column report.marketplace_set_off.set_off_on is 'Local date on which it was set off';
comment on column report.marketplace_set_off.other_month is 'First day of the month of the other transaction';
comment on column report.marketplace_set_off.other_transaction is 'The transaction that it was set off against';
comment on column report.marketplace_set_off.amount is 'NOK, whole øre, signed as it is added: below 0 the profile owes so much less, above 0 it is owed so much less';
comment on column report.marketplace_set_off.is_rest is 'True: nothing met; it was below the minimum, and went to the open month';
comment on column report.marketplace_set_off.profile_name is 'Its name, as it is now';
