create or replace view marketplace.own_set_off with (security_invoker = true) as
select
    s.set_off,
    x.transaction,
    s.profile,
    (s.made_at at time zone books.time_zone())::date as set_off_on,
    o.month as other_month,
    x.other_transaction,
    x.amount,
    s.is_rest
from marketplace.set_off as s
cross join lateral (
    values
    (s.debt, s.claim, -s.amount),
    (s.claim, s.debt, s.amount)
) as x (transaction, other_transaction, amount)
inner join marketplace.transaction as o on x.other_transaction = o.transaction;

comment on view marketplace.own_set_off is
'report.marketplace_set_off as a profile''s own role sees it: its own. Runs with its caller''s rights: row-level security decides. NOK, signed as it is added: below 0 the profile owes so much less, above 0 it is owed so much less.';
