create or replace function marketplace.standing(p_transactions bigint [], p_now timestamptz)
returns table (
    transaction bigint, profile bigint, month date, kind text, hold text, code text, due_on date, other bigint, other_month date,
    payment_attempt bigint, waiting_since timestamptz
)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    -- What is said of each is worked out once, however often it is looked at below.
    with asked as materialized (
        select
            t.transaction, t.profile, t.month, t.status, t.due_amount, t.settled, t.executed,
            t.created_at, t.closed_at, c.kind, c.last_state, c.is_ours,
            c.is_new_means or c.is_released as is_anew, c.due_on, c.next_retry_at, (p_now at time zone books.time_zone())::date as today,
            case
                when c.transaction is not null
                    then marketplace.hold_of(c, (p_now at time zone books.time_zone())::date, p_now)
            end as hold,
            -- Where it went: the month that it rolled over to, or what owes a payment again that came back.
            case
                when t.status = 'ROLLED_OVER' then marketplace.rolled_into(t.transaction)
                when t.status = 'EXECUTED'
                    then (
                        select r.transaction
                        from marketplace.transaction as r
                        inner join marketplace.payment_attempt as a on r.corrects = a.transaction
                        where
                            r.corrects = t.transaction and r.kind = 'ADJUSTMENT' and a.returned_at is not null
                            and r.request_id = 'returned ' || a.idempotency_key
                        order by r.transaction
                        limit 1
                    )
            end as other
        from marketplace.transaction as t
        left join marketplace.payment_candidate as c on t.transaction = c.transaction
        where t.transaction = any(p_transactions)
    )

    select
        s.transaction, s.profile, s.month, coalesce(s.kind, l.kind), s.hold, x.code,
        case
            when x.code = 'RUNNING' then marketplace.next_month(s.month)
            when x.code in ('CHARGED', 'PAID', 'GIVEN_BACK', 'SET_OFF', 'SETTLED', 'NOTHING_DUE') then s.executed
            when x.code = 'CARRIED_ON' then o.executed
            when x.code = 'CAME_BACK' then (l.returned_at at time zone books.time_zone())::date
            when x.code = 'REQUIRES_ACTION' then (l.next_retry_at at time zone books.time_zone())::date
            when s.hold in ('RETRY_LATER', 'BALANCE') then (s.next_retry_at at time zone books.time_zone())::date
            when s.hold is null and s.kind is not null or s.hold in ('NOT_DUE', 'NO_MEANS', 'HELD', 'OWES', 'RESTRICTED') then greatest(s.due_on, s.today)
        end,
        s.other, o.month, coalesce(k.payment_attempt, l.payment_attempt),
        case
            when x.code = 'RUNNING' then marketplace.day_begins(s.month)
            when x.code in ('LOOKED_AT', 'DISPUTED') then coalesce(k.raised_at, l.changed_at)
            when s.hold = 'UNDER_WAY' then coalesce(l.submitted_at, l.prepared_at)
            when s.hold = 'HELD'
                then greatest(
                    s.closed_at,
                    (select h.held_at from marketplace.payout_hold as h where h.profile = s.profile and h.released_at is null)
                )
            when s.hold = 'RETURNED' then s.created_at
            when x.code = 'WAITS_FOR_US'
                then (
                    select min(a.resolved_at) from marketplace.payment_attempt as a where a.transaction = s.transaction and a.is_ours
                )
            when s.hold in ('NO_MEANS', 'RESTRICTED') or x.code = 'NO_DAY' then s.closed_at
            when x.code like 'WAITS%' or x.code = 'GIVEN_BACK_THERE' or s.hold = 'OWES' then greatest(s.closed_at, marketplace.day_begins(s.due_on), l.changed_at)
            else l.resolved_at
        end
    from asked as s
    left join marketplace.transaction as o on s.other = o.transaction
    left join lateral (
        select a.payment_attempt, a.kind, a.state, a.alarm, a.disputed, a.lost, a.returned_at, a.next_retry_at, d.cause,
            a.error_code, a.changed_at, a.submitted_at, a.prepared_at, a.resolved_at,
            case
                when a.state = 'PROCESSING' and a.batch is not null and not marketplace.was_heard_of(a.payment_attempt) then 'HANDED_OVER'
                else a.state
            end as stage
        from marketplace.payment_attempt as a
        left join marketplace.decline_cause as d on a.gateway = d.gateway and a.decline_code = d.decline_code
        where a.transaction = s.transaction
        order by a.state = 'SUCCEEDED' desc, a.attempt_number desc
        limit 1
    ) as l on true
    left join lateral marketplace.alarm_of(s.transaction) as k on true
    cross join lateral (
        select marketplace.code_of(
            s.status,
            case
                when s.status = 'ROLLED_OVER' then case o.status
                    when 'CURRENT' then 'BELOW_MINIMUM' when 'EXECUTED' then 'CARRIED_ON' else 'WENT_ON'
                end
                when s.status <> 'EXECUTED'
                    then case when s.kind = 'REFUND' and marketplace.is_by_hand(s.transaction) then 'GIVEN_BACK_THERE' end
                -- Also beyond what is left of it.
                when l.disputed > 0 or l.alarm = 'disputed' then 'DISPUTED'
                when l.alarm is not null then 'LOOKED_AT'
                when l.lost > 0 then 'TAKEN_BACK'
                when l.returned_at is not null then 'CAME_BACK'
                when l.state = 'SUCCEEDED' then case l.kind when 'CHARGE' then 'CHARGED' when 'PAYOUT' then 'PAID' else 'GIVEN_BACK' end
                when s.due_amount = 0 then 'NOTHING_DUE'
                when s.settled <> 0 then 'SETTLED'
                else 'SET_OFF'
            end,
            s.kind, s.hold, case when l.stage = 'HANDED_OVER' then l.stage else s.last_state end,
            case
                when l.kind <> 'CHARGE' then l.cause
                -- Called off after its term, or the holder failed to be who they said.
                when
                    l.error_code = 'payment_intent_authentication_failure'
                    or l.error_code = 'canceled' and exists (
                        select
                        from marketplace.payment_attempt_event as e
                        where
                            e.payment_attempt = l.payment_attempt and e.event = 'sent_again'
                            and e.from_state = 'REQUIRES_ACTION'
                    )
                    then 'UNCONFIRMED'
                when l.error_code = 'canceled' then 'CANCELLED'
                else l.cause
            end,
            s.due_on, s.is_ours, s.is_anew
        ) as code
        offset 0
    ) as x;
end;

comment on function marketplace.standing(bigint [], timestamptz) is
'What comes next of each of these transactions, as of p_now: the one answer that the operator''s list, what waits, and the person''s page are told. hold: as hold_of has it for the job, null: the next run takes it, or it is not open; code: of marketplace.next_step; due_on: the local day on which the next thing is expected, or on which it was done; other: where it went, or what owes it again; payment_attempt: the one that a person must look at, or the last; waiting_since: since when it is in this state, or was due. May be null: kind, hold, due_on, other, other_month, payment_attempt, waiting_since.';
