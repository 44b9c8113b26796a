create or replace view report.gateway_inbox as
select
    e.gateway,
    e.event_id as came,
    e.event_kind as kind,
    e.occurred_at as said_at,
    e.received_at,
    e.outcome as did,
    w.waits_for,
    case w.waits_for
        when 'DECISION' then format('pybridge payment list --alarms: attempt %s', e.payment_attempt)
        when 'EVIDENCE' then format('answer %s at the gateway', e.dispute)
        when 'TAKING_IN' then 'the next run takes it in, or: pybridge report waiting'
        when 'LOOKING_UP' then 'the next run asks the gateway'
        when 'ITS_REFUND' then 'the refund''s own event, or the next run''s look, brings it'
    end as to_do,
    e.payment_attempt,
    a.transaction,
    p.profile_name,
    (e.amount / 100.0)::numeric(14, 2) as amount,
    e.currency,
    e.gateway_id,
    e.dispute,
    e.status,
    e.act_by,
    (e.received_at at time zone books.time_zone())::date as received_date
from marketplace.gateway_event as e
left join marketplace.payment_attempt as a on e.payment_attempt = a.payment_attempt
left join marketplace.profile as p on a.profile = p.profile
left join marketplace.stray as s on e.gateway = s.gateway and e.gateway_id = s.gateway_id and s.resolution is null
cross join lateral (
    select case
        when e.outcome = 'ALARM' and a.alarm is not null then 'DECISION'
        when e.outcome = 'STRAY' and s.gateway_id is not null then 'TAKING_IN'
        when e.outcome = 'DOUBTED' and a.doubted_at is not null then 'LOOKING_UP'
        when e.answer = 'refunded' and e.amount > a.refunded then 'ITS_REFUND'
        when
            e.act_by > now() and e.status in ('needs_response', 'warning_needs_response')
            and not exists (
                select from marketplace.gateway_event as x
                where
                    x.gateway = e.gateway and x.gateway_id = e.gateway_id and x.dispute = e.dispute
                    and (x.occurred_at, x.received_at, x.event_id) > (e.occurred_at, e.received_at, e.event_id)
            ) then 'EVIDENCE'
    end as waits_for
) as w
union all
select
    e.gateway,
    e.entry,
    e.entry_kind,
    e.made_at,
    e.told_at,
    'UNEXPLAINED',
    'EXPLANATION',
    format('pybridge payment book-entry %s %s --reason "..."', e.gateway, e.entry),
    null,
    null,
    null,
    ((e.amount - e.fee) / 100.0)::numeric(14, 2),
    e.currency,
    e.about,
    null,
    null,
    null,
    (e.told_at at time zone books.time_zone())::date
from marketplace.open_entry as e;

comment on view report.gateway_inbox is
'Everything that gateways said by themselves, and the lines of their own accounts that nothing explains: what each did, and what is still to do about it. NOK where currency says so.';
comment on column report.gateway_inbox.gateway is 'The gateway';
comment on column report.gateway_inbox.came is 'Its own number of the event, or of the line';
comment on column report.gateway_inbox.kind is 'Its own name of such a one';
comment on column report.gateway_inbox.said_at is 'When, by its own clock; null: does not say';
comment on column report.gateway_inbox.received_at is 'When it came';
comment on column report.gateway_inbox.did is
'APPLIED; NOTHING_NEW: it was known; ALARM: it contradicts our books, or takes money; STRAY: ours, and no attempt explains it; NOT_OURS; STALE: older than what was known; DOUBTED: the gateway is asked; NOTED: of our money, and moves none by itself; UNREAD: of a kind that says nothing of our money; UNEXPLAINED: a line of its account';
comment on column report.gateway_inbox.waits_for is
'What is still to come: DECISION of a person about the attempt; EVIDENCE for a dispute until act_by; EXPLANATION of a line by a person; TAKING_IN and LOOKING_UP by the next run; ITS_REFUND: a refund that we do not know yet; null: nothing';
comment on column report.gateway_inbox.to_do is 'What brings that about; null: nothing waits';
comment on column report.gateway_inbox.payment_attempt is 'The attempt that it is about (report.payment_attempt); null: none';
comment on column report.gateway_inbox.transaction is 'Its transaction (report.marketplace_transaction); null: none';
comment on column report.gateway_inbox.profile_name is 'Whose it is; null: nobody''s';
comment on column report.gateway_inbox.amount is 'As the gateway says, in units of currency; of a line, less its fee; null: does not say';
comment on column report.gateway_inbox.currency is 'ISO 4217; null: does not say';
comment on column report.gateway_inbox.gateway_id is 'What it calls the payment';
comment on column report.gateway_inbox.dispute is 'What it calls the dispute; null: none';
comment on column report.gateway_inbox.status is 'What it calls the state of its object; null: does not say';
comment on column report.gateway_inbox.act_by is 'Of a dispute: until when it takes evidence; null: does not say';
comment on column report.gateway_inbox.received_date is 'Local date on which it came';
