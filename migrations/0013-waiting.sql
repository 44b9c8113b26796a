-- depends: 0009-analysis
-- Why something was declined, where that decides what whoever is asked can do about it.
create table marketplace.decline_cause (
    gateway text not null,
    decline_code text not null,
    cause text not null,
    source books.name not null,
    constraint decline_cause_pkey primary key (gateway, decline_code),
    constraint decline_cause_gateway_fkey foreign key (gateway) references marketplace.gateway (gateway),
    constraint decline_cause_cause_check check (cause in ('ACCOUNT', 'OURS'))
);
comment on table marketplace.decline_cause is
'Whose matter a decline for good is, where its code says so. A code that is not listed: of a charge, the card''s; of a payout or refund, the operator''s, who looks at it first. Data, not a rule: it decides the words that people are told (marketplace.why), and nothing about money.';
comment on column marketplace.decline_cause.gateway is 'Whose code';
comment on column marketplace.decline_cause.decline_code is 'ISO 20022''s reason code, or Stripe''s decline_code';
comment on column marketplace.decline_cause.cause is
'ACCOUNT: the account that was given does not take it, and another is wanted; OURS: what we asked for was wrong, and the operator looks at it';
comment on column marketplace.decline_cause.source is 'Where that is said';
insert into marketplace.decline_cause (gateway, decline_code, cause, source)
select 'bank', c.code, 'ACCOUNT', 'ISO 20022 External Code Sets, ExternalStatusReason1Code and ExternalReturnReason1Code'
from (
    values ('AC01'), ('AC03'), ('AC04'), ('AC06'), ('AC07'), ('AC14'), ('BE01'), ('BE06'), ('BE22'), ('RC04'), ('RC07')
) as c (code);
insert into marketplace.decline_cause (gateway, decline_code, cause, source)
select 'stripe', c.code, 'OURS', 'docs.stripe.com/declines/codes'
from (
    values ('currency_not_supported'), ('duplicate_transaction'), ('invalid_amount'), ('live_mode_test_card'),
    ('merchant_blacklist'), ('not_permitted'), ('service_not_allowed'), ('testmode_decline'), ('transaction_not_allowed')
) as c (code);

-- For how long each state may last before somebody is told.
create table marketplace.waiting_term (
    code text not null,
    term interval not null,
    source books.name not null,
    constraint waiting_term_pkey primary key (code),
    constraint waiting_term_term_check check (term > interval '0')
);
comment on table marketplace.waiting_term is
'For how long a transaction may be in a state before report.waiting calls it overdue, pybridge health says so, and a person may end it. A row for each code of marketplace.next_step that is not over, and STRAY: what a gateway has of ours and no attempt explains.';
comment on column marketplace.waiting_term.code is 'Of marketplace.next_step, or STRAY';
comment on column marketplace.waiting_term.term is 'How long, from report.waiting.waiting_since on';
comment on column marketplace.waiting_term.source is 'Why so long';
insert into marketplace.waiting_term (code, term, source)
values
('RUNNING', interval '1 month 3 days', 'the month itself, and three nights to close it in'),
('NO_DAY', interval '1 day', 'ours: nothing happens until execution_day has a row'),
('WAITS_TO_BE_CHARGED', interval '1 day', 'the job runs every quarter of an hour'),
('WAITS_FOR_CHARGES', interval '10 days', 'charges and their retries take 15 days from the 1st, of which 14 are over on the day of payouts'),
('WAITS_TO_BE_GIVEN_BACK', interval '1 day', 'the job runs every quarter of an hour'),
('GIVEN_BACK_THERE', interval '1 day', 'the job runs every quarter of an hour'),
('OWES', interval '15 days', 'retry_rule: a charge has ended after 15 days'),
('WAITS_FOR_US', interval '3 days', 'ours: the account is filled up, or a person says why not'),
('BEING_SENT', interval '1 day', 'the job runs every quarter of an hour'),
('UNDER_WAY', interval '5 days', 'a bank transfer or a direct debit has ended after five days'),
('NOT_FETCHED', interval '2 days', 'a bank answers a file within the day of execution'),
('NOT_ANSWERED', interval '2 days', 'key_term, and a day to look it up in'),
('REQUIRES_ACTION', interval '9 days', 'action_term, and two days to call it off in'),
('DECLINED_TRIED_AGAIN', interval '8 days', 'retry_rule: seven days at most'),
('NOT_TAKEN_TRIED_AGAIN', interval '8 days', 'retry_rule: seven days at most'),
('CARD_DECLINED', interval '14 days', 'time to get another card'),
('DECLINED_TOO_OFTEN', interval '14 days', 'time to get another card'),
('NOT_CONFIRMED', interval '14 days', 'time to get another card'),
('CALLED_OFF_THERE', interval '2 days', 'ours to decide'),
('CHARGE_NOT_TAKEN', interval '2 days', 'ours to look at'),
('ACCOUNT_NOT_TAKEN', interval '14 days', 'time to give another account'),
('PAYOUT_NOT_TAKEN', interval '2 days', 'ours to look at'),
('REFUND_NOT_TAKEN', interval '2 days', 'ours to look at'),
('REJECTED', interval '2 days', 'ours to look at'),
('RETURNED', interval '14 days', 'time to give another account'),
('CALLED_OFF', interval '7 days', 'ours to decide'),
('NO_CARD', interval '30 days', 'a month, and a reminder each day of it'),
('NO_ACCOUNT', interval '30 days', 'a month, and a reminder each day of it'),
('HELD', interval '14 days', 'ours to decide'),
('LOOKED_AT', interval '2 days', 'ours to look at'),
('DISPUTED', interval '5 days', 'the shortest time to answer one is seven days (docs.stripe.com/disputes)'),
('STRAY', interval '1 day', 'the next run takes it in; what it cannot stops all that goes through that gateway');

-- A person says what became of what nobody answers, once it has waited for too long.
insert into marketplace.attempt_step (from_state, event, to_state)
values
('PROCESSING', 'confirmed_done', 'SUCCEEDED'),
('PROCESSING', 'confirmed_undone', 'CANCELLED'),
('REQUIRES_ACTION', 'confirmed_done', 'SUCCEEDED'),
('REQUIRES_ACTION', 'confirmed_undone', 'CANCELLED');

-- What a gateway says of the accounts that people are paid to, before anything is paid to them.
alter table marketplace.gateway add column account_wait interval not null default interval '1 day'
constraint gateway_account_wait_check check (account_wait > interval '0');
comment on column marketplace.gateway.account_wait is 'How often it is asked how an account stands that people are paid to';

create table marketplace.means_status (
    means_status bigint generated by default as identity,
    payment_means bigint not null,
    is_restricted boolean not null,
    needs text [] not null,
    needed_by timestamptz,
    said_at timestamptz not null,
    heard_at timestamptz not null,
    heard_by books.name not null default session_user,
    constraint means_status_pkey primary key (means_status),
    constraint means_status_payment_means_fkey foreign key (payment_means) references marketplace.payment_means (payment_means)
);
comment on table marketplace.means_status is
'How an account that a profile is paid to stands at its gateway, each time that it was asked, or said it by itself. The newest counts, by the gateway''s own time. Never changed (23B62).';
comment on column marketplace.means_status.means_status is 'Key';
comment on column marketplace.means_status.payment_means is 'The account';
comment on column marketplace.means_status.is_restricted is 'Whether the gateway takes no payment to it, or pays none out of it: nothing is sent to it then';
comment on column marketplace.means_status.needs is 'What the gateway wants to know of its owner, in its own words; empty: nothing';
comment on column marketplace.means_status.needed_by is 'Until when, before it restricts the account; null: no time is told';
comment on column marketplace.means_status.said_at is 'As of when: the gateway''s time of it, or when it was asked';
comment on column marketplace.means_status.heard_at is 'When it was heard: what p_now said';
comment on column marketplace.means_status.heard_by is 'session_user';
create index means_status_payment_means_idx on marketplace.means_status (payment_means, said_at desc);

insert into marketplace.waiting_term (code, term, source)
values ('RESTRICTED', interval '14 days', 'time to tell the gateway what it wants to know');
