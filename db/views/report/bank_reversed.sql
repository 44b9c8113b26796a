create or replace view report.bank_reversed as
select
    r.match,
    r.rule,
    r.entry,
    r.reversal,
    a.account_name,
    e.booked_on,
    b.booked_on as reversed_on,
    e.amount,
    r.is_named
from bank.reversed_match as r
inner join bank.entry as e on r.entry = e.entry
inner join bank.entry as b on r.reversal = b.entry
inner join bank.account as a on e.account = a.account;

comment on view report.bank_reversed is
'Deposits that are matched with what was sold, and that the bank may have taken back since: undo the match (undo_match), and the rules pair the two; what was sold is missing again. Where they share a reference, and a rule had made the match, the rules undo it themselves.';
comment on column report.bank_reversed.match is 'The match that no longer holds, if it is so';
comment on column report.bank_reversed.rule is 'The rule that made it; PERSON: somebody did';
comment on column report.bank_reversed.entry is 'The deposit';
comment on column report.bank_reversed.reversal is 'The entry that takes it back, and is open';
comment on column report.bank_reversed.account_name is 'Name of the bank account';
comment on column report.bank_reversed.booked_on is 'Day on which the deposit was booked';
comment on column report.bank_reversed.reversed_on is 'Day on which it was taken back';
comment on column report.bank_reversed.amount is 'NOK of the deposit, positive in, negative out';
comment on column report.bank_reversed.is_named is
'True: the two share a reference; false: it is one of the amount, of those that could be meant';
