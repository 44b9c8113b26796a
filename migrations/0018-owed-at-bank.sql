-- depends: 0017-payout
-- Money that came too late for its tickets (billig.owed_back) is at the bank all the same (T12): expected when it came, and
-- when it was paid back.

create table bank.expected_owed (
    owed_back bigint not null,
    is_repayment boolean not null,
    expected bigint not null,
    constraint expected_owed_pkey primary key (owed_back, is_repayment),
    constraint expected_owed_owed_back_fkey foreign key (owed_back) references billig.owed_back (owed_back),
    constraint expected_owed_expected_fkey foreign key (expected) references bank.expected (expected)
);
comment on table bank.expected_owed is
'The money owed back to buyers that an item is the money of, beside its payments: each in one item when it came, and in one when it was paid back (expected_owed_pkey). Never changed (23B84).';
comment on column bank.expected_owed.owed_back is 'What is, or was, owed';
comment on column bank.expected_owed.is_repayment is 'False: it came; true: it was paid back';
comment on column bank.expected_owed.expected is 'The item';
create index expected_owed_expected_idx on bank.expected_owed (expected);
