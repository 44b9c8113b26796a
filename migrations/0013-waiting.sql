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
