create or replace view report.profile_account as
select
    e.profile,
    p.profile_name,
    e.account_entry,
    (e.entered_at at time zone books.time_zone())::date as entry_date,
    e.kind,
    e.debit as debit_account,
    e.credit as credit_account,
    e.amount as entry_amount,
    (e.amount * ((d.is_persons)::int - (c.is_persons)::int))::numeric(14, 2) as amount,
    sum(e.amount * ((d.is_persons)::int - (c.is_persons)::int)) over (
        partition by e.profile order by e.entered_at, e.account_entry rows unbounded preceding
    )::numeric(14, 2) as balance,
    e.transaction,
    t.month,
    e.other_transaction,
    e.payment_attempt,
    e.purse,
    e.entered_at
from marketplace.account_entry as e
inner join marketplace.profile as p on e.profile = p.profile
inner join marketplace.account_name as d on e.debit = d.account
inner join marketplace.account_name as c on e.credit = c.account
inner join marketplace.transaction as t on e.transaction = t.transaction;

comment on view report.profile_account is
'The account of each profile of the marketplace (M9), entry by entry; the balance after the last one of a day is that day''s. NOK: above 0 the profile owes us, below 0 we owe it. Ask by profile.';
comment on column report.profile_account.profile is 'Whose account it is';
comment on column report.profile_account.profile_name is 'Its name, as it is now';
comment on column report.profile_account.account_entry is 'Number of the entry';
comment on column report.profile_account.entry_date is 'Local date on which it moved';
comment on column report.profile_account.kind is 'MONTH, CORRECTION, REFUND, OFFSET, PREPARED, CALLED_OFF, CHARGED, PAID, CAME_BACK, DISPUTED, WON, LOST, CALLED_BACK, WITHDRAWN, BY_HAND, BROUGHT, PAID_OUTSIDE, FORGIVEN, DONATED or UNDONE: what moved it';
comment on column report.profile_account.debit_account is 'The account that it came to (marketplace.account_name)';
comment on column report.profile_account.credit_account is 'The account that it came from';
comment on column report.profile_account.entry_amount is 'NOK that moved between the two, above 0';
comment on column report.profile_account.amount is 'NOK by which the balance changes: above 0 the profile owes more';
comment on column report.profile_account.balance is 'NOK after this entry: above 0 the profile owes us, below 0 we owe it';
comment on column report.profile_account.transaction is 'The transaction that it is of (report.marketplace_transaction)';
comment on column report.profile_account.month is 'First day of the transaction''s month';
comment on column report.profile_account.other_transaction is 'Of OFFSET: the transaction that it was set off against; null: of another kind';
comment on column report.profile_account.payment_attempt is 'The attempt that moved it (report.payment_attempt); null: none did';
comment on column report.profile_account.purse is 'The purse that it came into, or went out of; null: none';
comment on column report.profile_account.entered_at is 'When it moved';
