-- depends: 0005-marketplace
-- Deploy is one transaction, and these tables are small: a row for each payment.
-- squawk-ignore-file constraint-missing-not-valid, adding-field-with-default, adding-foreign-key-constraint
-- What a gateway says by itself, its own time of it, and its own account of what it has of our money.

alter table marketplace.gateway add column looks_up boolean not null default false;
comment on column marketplace.gateway.looks_up is
'Whether it can be asked what became of a payment, and what it has of our money: then no event that contradicts us is believed before it was';
update marketplace.gateway set looks_up = true where gateway = 'stripe';

-- --- Events ----------------------------------------------------------------------------------------------------------
alter table marketplace.gateway_event add column status text;
alter table marketplace.gateway_event add column act_by timestamptz;
comment on column marketplace.gateway_event.status is 'What the gateway says that its object is now, in its own words; null: does not say';
comment on column marketplace.gateway_event.act_by is 'Of a dispute: until when it takes evidence; null: does not say';
-- squawk-ignore ban-drop-constraint -- a wider one takes its place
alter table marketplace.gateway_event drop constraint gateway_event_outcome_check;
alter table marketplace.gateway_event add constraint gateway_event_outcome_check check (
    outcome in ('APPLIED', 'NOTHING_NEW', 'ALARM', 'STRAY', 'NOT_OURS', 'STALE', 'DOUBTED', 'NOTED', 'UNREAD')
);
comment on column marketplace.gateway_event.outcome is
'APPLIED; NOTHING_NEW: it had ended, or was known; ALARM: a person must look; STRAY: ours, and no attempt explains it; NOT_OURS; STALE: older than what was known, by the gateway''s own time; DOUBTED: it contradicts what we know, and the next run asks the gateway; NOTED: of our money, and moves none; UNREAD: of a kind that is not read';
create index gateway_event_gateway_id_idx on marketplace.gateway_event (gateway, gateway_id);

alter table marketplace.payment_attempt add column doubted_at timestamptz;
comment on column marketplace.payment_attempt.doubted_at is
'Since when an event contradicts what we know of it: the next run asks the gateway, and until then nothing is sent for its transaction; null: none does';
create index payment_attempt_doubted_idx on marketplace.payment_attempt (gateway) where doubted_at is not null;
-- A payout may come back in parts.
alter table marketplace.payment_attempt add column returned_part bigint not null default 0;
alter table marketplace.payment_attempt add column came_back bigint not null
generated always as (case when returned_at is null then returned_part else amount end) stored;
alter table marketplace.payment_attempt add constraint payment_attempt_part_check check (
    -- without BETWEEN, which a dump writes otherwise
    returned_part = 0 or returned_part >= 1 and returned_part <= amount and kind = 'PAYOUT' and state = 'SUCCEEDED'
);
comment on column marketplace.payment_attempt.returned_part is 'Øre of a PAYOUT that came back in parts, while not all has';
comment on column marketplace.payment_attempt.came_back is 'Øre of a PAYOUT or REFUND that had succeeded and came back; owed again';
insert into marketplace.attempt_step (from_state, event, to_state)
select s.state, e.event, s.state
from (
    values ('SUBMITTED'), ('UNKNOWN'), ('PROCESSING'), ('REQUIRES_ACTION'), ('SUCCEEDED'), ('DECLINED_SOFT'), ('DECLINED_HARD'), ('REJECTED'),
    ('CANCELLED')
) as s (state)
cross join (values ('doubted'), ('looked_up'), ('sent_again')) as e (event)
on conflict do nothing;
comment on column marketplace.attempt_step.event is
'What happened: an answer of the gateway (pybridge.payments.gateways), or a deed of ours: prepared, claimed, sent_again, crashed, cancelled, expired, released, taken_in, confirmed_done, confirmed_undone, refunded, refund_called_off, credited, disputed, reinstated, lost, contradicted, doubted, looked_up, alarm_cleared';

-- --- What a gateway has of our money ---------------------------------------------------------------------------------
create table marketplace.balance_entry (
    gateway text not null,
    entry text not null,
    effect text not null,
    entry_kind text not null,
    amount bigint not null,
    fee bigint not null,
    currency text not null,
    about text,
    made_at timestamptz not null,
    told_at timestamptz not null,
    constraint balance_entry_pkey primary key (gateway, entry),
    constraint balance_entry_gateway_fkey foreign key (gateway) references marketplace.gateway (gateway),
    constraint balance_entry_effect_check check (effect in ('ATTEMPT', 'FEE', 'WITHDRAWAL', 'OTHER'))
);
comment on table marketplace.balance_entry is
'The lines of a gateway''s own account of our money there, as it told them. Each is told once (balance_entry_pkey). Never changed (23B62).';
comment on column marketplace.balance_entry.gateway is 'The gateway';
comment on column marketplace.balance_entry.entry is 'Its own number of the line';
comment on column marketplace.balance_entry.effect is
'ATTEMPT: money of a charge, a payout or a refund; FEE: the gateway''s own; WITHDRAWAL: to our account at the bank, or back from there; OTHER: a person says what it is (book_entry)';
comment on column marketplace.balance_entry.entry_kind is 'Its own name of such a line';
comment on column marketplace.balance_entry.amount is 'Øre; above 0 came in, below 0 went out; before the fee';
comment on column marketplace.balance_entry.fee is 'Øre that the gateway took for it; below 0: gave back. The balance changed by amount less fee';
comment on column marketplace.balance_entry.currency is 'ISO 4217, upper case';
comment on column marketplace.balance_entry.about is 'What the gateway calls the payment that it is of; null: of none';
comment on column marketplace.balance_entry.made_at is 'When, by the gateway''s clock';
comment on column marketplace.balance_entry.told_at is 'When it told us';
create index balance_entry_about_idx on marketplace.balance_entry (gateway, about);

create table marketplace.balance_decision (
    gateway text not null,
    entry text not null,
    is_booked boolean not null,
    reason books.name not null,
    decided_at timestamptz not null,
    decided_by books.name not null default session_user,
    constraint balance_decision_pkey primary key (gateway, entry),
    constraint balance_decision_entry_fkey
    foreign key (gateway, entry) references marketplace.balance_entry (gateway, entry)
);
comment on table marketplace.balance_decision is
'What a person has said of a line that nothing of ours explains; once (balance_decision_pkey). Never changed (23B62).';
comment on column marketplace.balance_decision.gateway is 'The gateway';
comment on column marketplace.balance_decision.entry is 'The line';
comment on column marketplace.balance_decision.is_booked is 'Whether it stood in our books already; else it was booked as the operator''s';
comment on column marketplace.balance_decision.reason is 'Why';
comment on column marketplace.balance_decision.decided_at is 'When';
comment on column marketplace.balance_decision.decided_by is 'session_user';

create table marketplace.gateway_balance (
    gateway_balance bigint generated by default as identity,
    gateway text not null,
    available bigint not null,
    pending bigint not null,
    books bigint not null,
    entries int not null,
    since timestamptz not null,
    read_at timestamptz not null,
    job_run bigint not null,
    constraint gateway_balance_pkey primary key (gateway_balance),
    constraint gateway_balance_gateway_fkey foreign key (gateway) references marketplace.gateway (gateway),
    constraint gateway_balance_job_run_fkey foreign key (job_run) references jobs.job_run (job_run)
);
comment on table marketplace.gateway_balance is
'What a gateway said that it has of our money, and what our books said it has, at each run. Never changed (23B62).';
comment on column marketplace.gateway_balance.gateway_balance is 'Key, in order';
comment on column marketplace.gateway_balance.gateway is 'The gateway';
comment on column marketplace.gateway_balance.available is 'Øre that can leave it now';
comment on column marketplace.gateway_balance.pending is 'Øre that can later';
comment on column marketplace.gateway_balance.books is 'Øre that it should have, by our books at that moment (marketplace.gateway_line)';
comment on column marketplace.gateway_balance.entries is 'How many lines it told that were not known';
comment on column marketplace.gateway_balance.since is 'Since when it was asked for lines';
comment on column marketplace.gateway_balance.read_at is 'When it was asked';
comment on column marketplace.gateway_balance.job_run is 'The run that asked';
create index gateway_balance_gateway_idx on marketplace.gateway_balance (gateway, gateway_balance);

alter table marketplace.purse_movement add column gateway text;
alter table marketplace.purse_movement add column entry text;
alter table marketplace.purse_movement add constraint purse_movement_entry_fkey
foreign key (gateway, entry) references marketplace.balance_entry (gateway, entry) match full;
comment on column marketplace.purse_movement.gateway is 'The gateway whose own account has it; null: a person booked it';
comment on column marketplace.purse_movement.entry is 'Its line there; null: a person booked it';
create unique index purse_movement_entry_key on marketplace.purse_movement (gateway, entry, kind, purse);
comment on index marketplace.purse_movement_entry_key is 'A line of a gateway''s account is booked once';

-- --- What corrections withhold ------------------------------------------------------------------------------------------

alter table marketplace.adjustment add column is_said boolean;
comment on column marketplace.adjustment.is_said is
'Whether a person has said that the advertiser had the money back by another road (adjust_clicks, p_is_credited); null: not known, as of before 0.2.0';
-- It is told of that, from here on.
-- squawk-ignore ban-drop-function
drop function if exists marketplace.take_back_clicks(bigint [], timestamptz [], bigint [], text, text, boolean, timestamptz);
