-- What keeps attempts: what was asked is frozen, each takes only the steps of attempt_step, each step is written down,
-- and the fund and the transaction follow in the same commit.

create or replace function marketplace.payment_attempt_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if tg_op = 'INSERT' then
        if not exists (
            select from marketplace.transaction as t
            where
                t.transaction = new.transaction and t.status in ('NEW', 'FAILED') and abs(t.due_amount) * 100 = new.amount
                and new.kind = case when t.kind = 'REFUND' then 'REFUND' when t.due_amount > 0 then 'CHARGE' else 'PAYOUT' end
        ) or new.kind = 'REFUND' and not exists (
            select from marketplace.transaction as t
            inner join marketplace.payment_attempt as c on t.corrects = c.transaction
            where t.transaction = new.transaction and c.payment_attempt = new.refunds and c.kind = 'CHARGE' and c.state = 'SUCCEEDED'
        ) then
            raise exception 'an attempt is for what a transaction has due' using
                errcode = '23B70',
                detail = format('Transaction %s, %s of %s øre.', new.transaction, new.kind, new.amount),
                hint = 'prepare_attempts makes them.';
        end if;
        new.from_state := '';
    else
        if
            (new.payment_attempt, new.transaction, new.profile, new.kind, new.attempt_number, new.amount, new.currency, new.gateway,
                new.payment_means, new.refunds, new.idempotency_key, new.request, new.prepared_at)
            is distinct from
            (old.payment_attempt, old.transaction, old.profile, old.kind, old.attempt_number, old.amount, old.currency, old.gateway,
                old.payment_means, old.refunds, old.idempotency_key, old.request, old.prepared_at)
            or new.gateway_id is distinct from old.gateway_id and old.gateway_id is not null
            or new.submitted_at is distinct from old.submitted_at and old.submitted_at is not null
            or new.resolved_at is distinct from old.resolved_at and old.resolved_at is not null
            or new.returned_at is distinct from old.returned_at and (old.returned_at is not null or new.event <> 'returned')
            or new.batch is distinct from old.batch and 'PREPARED' not in (old.state, new.state)
            or new.refunded <> old.refunded and (new.refunded < old.refunded or new.event <> 'refunded')
        then
            raise exception 'what was asked of the gateway is frozen' using
                errcode = '23B71',
                detail = format('Attempt %s, %s.', old.payment_attempt, old.state),
                hint = 'Another request is another attempt.';
        end if;
        new.from_state := old.state;
    end if;
    if not exists (
        select from marketplace.attempt_step as s
        where s.from_state = new.from_state and s.event = new.event and s.to_state = new.state
    ) then
        raise exception 'an attempt does not go from % to %', new.from_state, new.state using
            errcode = '23B70',
            detail = format('Attempt %s: %s.', new.payment_attempt, new.event),
            hint = 'marketplace.attempt_step says what steps there are.';
    end if;
    return new;
end;
$$;

comment on function marketplace.payment_attempt_keep() is
'An attempt is made for what a transaction has due, PREPARED, and goes as attempt_step says (23B70); what was asked of the gateway never changes (23B71).';

create or replace function marketplace.payment_attempt_follow()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_live constant text[] := array['PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION', 'SUCCEEDED'];
    v_charge constant boolean := new.kind = 'CHARGE';
    v_was_in bigint := 0;
    v_was_committed bigint := 0;
    v_was_back bigint := 0;
    v_in constant bigint := case when v_charge and new.state = 'SUCCEEDED' then new.amount else 0 end;
    v_committed constant bigint := case when not v_charge and new.state = any (v_live) then new.amount else 0 end;
    v_back constant bigint := case when new.returned_at is not null then new.amount else 0 end;
begin
    insert into marketplace.payment_attempt_event (payment_attempt, from_state, event, to_state, happened_at, job_run, note)
    values (
        new.payment_attempt, new.from_state, new.event, new.state, new.changed_at,
        case when new.event in ('prepared', 'cancelled', 'released', 'confirmed_done', 'confirmed_undone', 'refunded', 'alarm_cleared')
            then null else new.job_run end,
        nullif(concat_ws(' ', new.alarm, new.error_code, new.decline_code, new.message), '')
    );
    if tg_op = 'UPDATE' then
        v_was_in := case when v_charge and old.state = 'SUCCEEDED' then old.amount else 0 end;
        v_was_committed := case when not v_charge and old.state = any (v_live) then old.amount else 0 end;
        v_was_back := case when old.returned_at is not null then old.amount else 0 end;
    end if;
    if (v_in, v_committed, v_back) <> (v_was_in, v_was_committed, v_was_back) then
        update marketplace.fund as f
        set
            came_in = f.came_in + v_in - v_was_in,
            committed = f.committed + v_committed - v_was_committed,
            came_back = f.came_back + v_back - v_was_back;
    end if;
    if new.state = 'SUCCEEDED' and new.from_state <> 'SUCCEEDED' then
        update marketplace.transaction as t
        set status = 'EXECUTED', executed = (new.resolved_at at time zone books.time_zone())::date
        where t.transaction = new.transaction;
    end if;
    return null;
end;
$$;

comment on function marketplace.payment_attempt_follow() is
'Writes each step down (payment_attempt_event), keeps the fund, and executes the transaction whose attempt has succeeded, all in the same commit. 23514 fund_available_check: more would be paid than there is.';

create or replace function marketplace.payment_means_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if
        old.ended_at is not null or new.ended_at is null
        or (new.payment_means, new.profile, new.kind, new.gateway, new.details, new.set_at, new.set_by)
        is distinct from
        (old.payment_means, old.profile, old.kind, old.gateway, old.details, old.set_at, old.set_by)
    then
        raise exception 'a means of payment is ended, and never changed' using
            errcode = '23B62',
            detail = format('Means %s of profile %s.', old.payment_means, old.profile),
            hint = 'Another one is set by set_payment_means.';
    end if;
    return new;
end;
$$;

comment on function marketplace.payment_means_keep() is 'A means of payment is ended once, and never changed (23B62).';

create or replace trigger payment_attempt_keep
before insert or update on marketplace.payment_attempt
for each row execute function marketplace.payment_attempt_keep();
alter table marketplace.payment_attempt enable always trigger payment_attempt_keep;

create or replace trigger payment_attempt_follow
after insert or update on marketplace.payment_attempt
for each row execute function marketplace.payment_attempt_follow();
alter table marketplace.payment_attempt enable always trigger payment_attempt_follow;

create or replace trigger payment_attempt_delete
before delete or truncate on marketplace.payment_attempt
for each statement execute function marketplace.record_keep();
alter table marketplace.payment_attempt enable always trigger payment_attempt_delete;

create or replace trigger payment_attempt_event_keep
before update or delete or truncate on marketplace.payment_attempt_event
for each statement execute function marketplace.record_keep();
alter table marketplace.payment_attempt_event enable always trigger payment_attempt_event_keep;

create or replace trigger gateway_event_keep
before update or delete or truncate on marketplace.gateway_event
for each statement execute function marketplace.record_keep();
alter table marketplace.gateway_event enable always trigger gateway_event_keep;

create or replace trigger reserve_movement_keep
before update or delete or truncate on marketplace.reserve_movement
for each statement execute function marketplace.record_keep();
alter table marketplace.reserve_movement enable always trigger reserve_movement_keep;

create or replace trigger payment_means_keep
before update on marketplace.payment_means
for each row execute function marketplace.payment_means_keep();
alter table marketplace.payment_means enable always trigger payment_means_keep;

create or replace trigger payment_means_delete
before delete or truncate on marketplace.payment_means
for each statement execute function marketplace.record_keep();
alter table marketplace.payment_means enable always trigger payment_means_delete;

create or replace trigger fund_delete
before delete or truncate on marketplace.fund
for each statement execute function marketplace.record_keep();
alter table marketplace.fund enable always trigger fund_delete;
