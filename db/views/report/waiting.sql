create or replace view report.waiting as
select
    w.transaction,
    w.payment_attempt,
    w.profile,
    w.profile_name,
    w.month,
    w.kind,
    w.amount::numeric(14, 2) as amount,
    w.code,
    w.hold,
    w.turn,
    w.waiting_since,
    now() - w.waiting_since as waited,
    w.term,
    w.is_overdue,
    w.due_on,
    w.gateway,
    w.says,
    w.command,
    (w.waiting_since at time zone books.time_zone())::date as waiting_date
from marketplace.waiting() as w;

comment on view report.waiting is
'Every transaction of the marketplace that waits for somebody, by the same rule as the job and the person''s page (marketplace.why): for what, whose turn it is, since when, and what ends it; and what a gateway has of ours that no attempt explains (STRAY). is_overdue: for longer than its term (marketplace.waiting_term), of which pybridge health and the metrics tell. NOK, above 0.';
comment on column report.waiting.transaction is 'The transaction (report.marketplace_transaction); null: of what no attempt explains';
comment on column report.waiting.payment_attempt is 'The attempt that a person must look at, or the last one (report.payment_attempt); null: none yet';
comment on column report.waiting.profile is 'Whose; null: a stray that does not say';
comment on column report.waiting.profile_name is 'Its name, as it is now; null: nobody''s here';
comment on column report.waiting.month is 'First day of its month; null: a stray that does not say';
comment on column report.waiting.kind is 'CHARGE, PAYOUT or REFUND; null: the month is running';
comment on column report.waiting.amount is 'NOK, above 0: what is left of it; of a dispute what the bank took; of a stray what the gateway says, in the currency that says has';
comment on column report.waiting.code is 'What it waits for: of marketplace.next_step; or STRAY: the gateway has it, and no attempt explains it';
comment on column report.waiting.hold is 'Why the job leaves it alone (marketplace.due_transactions); null: the next run takes it, or it was executed';
comment on column report.waiting.turn is 'Whose turn it is: PERSON whose transaction it is, OPERATOR, GATEWAY, or TIME';
comment on column report.waiting.waiting_since is 'Since when it waits for this, or is due; later than now: it is not due yet';
comment on column report.waiting.waited is 'How long ago that is; negative: it is not due yet';
comment on column report.waiting.term is 'For how long it may';
comment on column report.waiting.is_overdue is 'Whether it has waited for longer';
comment on column report.waiting.due_on is 'The local day on which the next thing is expected, or until which the gateway takes evidence of a dispute; null: no day';
comment on column report.waiting.gateway is 'Through whom it goes; null: not known yet';
comment on column report.waiting.says is 'What the person is told, in English, and of an amount that does not agree what the gateway said; of a stray what the operator is told';
comment on column report.waiting.command is 'What ends it, SQL or a command, with why for the reason; null: the gateway still has its time';
comment on column report.waiting.waiting_date is 'Local date of waiting_since';
