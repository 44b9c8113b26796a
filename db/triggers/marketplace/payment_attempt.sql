-- What keeps attempts: what was asked is frozen, each takes only the steps of attempt_step, each step is written down,
-- and the purse, the account and the transaction follow in the same commit.

create or replace function marketplace.payment_attempt_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_there bigint;
begin
    if tg_op = 'INSERT' then
        -- Locked before it is looked at, so that nothing is set off or owed in the meantime.
        perform from marketplace.profile as p where p.profile = new.profile for no key update;
        if not exists (
            select from marketplace.transaction as t
            where
                t.transaction = new.transaction and t.status in ('NEW', 'FAILED') and abs(t.left_amount) * 100 = new.amount
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
        if new.kind = 'PAYOUT' then
            if marketplace.debt_of(new.profile) > 0 then
                raise exception 'nobody is paid who owes us' using
                    errcode = '23B89',
                    detail = format('Transaction %s: profile %s owes NOK %s.',
                        new.transaction, new.profile, marketplace.debt_of(new.profile)),
                    hint = 'prepare_attempts sets it off first; while a charge is under way, or looked at by a person, it waits.';
            end if;
            if exists (select from marketplace.payout_hold as h where h.profile = new.profile and h.released_at is null) then
                raise exception 'the payouts of the profile are held' using
                    errcode = '23B94',
                    detail = format('Transaction %s: profile %s.', new.transaction, new.profile),
                    hint = format('select marketplace.release_payouts(%s, ''why''); releases them.', new.profile);
            end if;
        end if;
        new.purse := coalesce(
            (select c.purse from marketplace.payment_attempt as c where c.payment_attempt = new.refunds),
            (select g.purse from marketplace.gateway as g where g.gateway = new.gateway)
        );
        new.from_state := '';
    else
        if
            (new.payment_attempt, new.transaction, new.profile, new.kind, new.attempt_number, new.amount, new.currency, new.gateway,
                new.payment_means, new.refunds, new.purse, new.idempotency_key, new.request, new.prepared_at)
            is distinct from
            (old.payment_attempt, old.transaction, old.profile, old.kind, old.attempt_number, old.amount, old.currency, old.gateway,
                old.payment_means, old.refunds, old.purse, old.idempotency_key, old.request, old.prepared_at)
            or new.gateway_id is distinct from old.gateway_id and old.gateway_id is not null
            or new.submitted_at is distinct from old.submitted_at and old.submitted_at is not null
            or new.resolved_at is distinct from old.resolved_at and old.resolved_at is not null
            or new.returned_at is distinct from old.returned_at and (old.returned_at is not null or new.event <> 'returned')
            or new.returned_part <> old.returned_part and (new.returned_part < old.returned_part or new.event <> 'returned')
            or new.batch is distinct from old.batch and 'PREPARED' not in (old.state, new.state)
            or new.refunded <> old.refunded and new.event <> (case when new.refunded > old.refunded then 'refunded' else 'refund_called_off' end)
            or new.disputed <> old.disputed and new.event not in ('disputed', 'reinstated', 'lost')
            and not (new.disputed > old.disputed and new.event = 'refund_called_off')
            or new.lost > old.lost and new.event not in ('lost', 'refund_called_off') or new.lost < old.lost and new.event <> 'reinstated'
            or new.credited <> old.credited and (new.credited < old.credited or new.event <> 'credited')
        then
            if new.event <> 'erased' or not marketplace.erases(to_jsonb(old), to_jsonb(new)) then
                raise exception 'what was asked of the gateway is frozen' using
                    errcode = '23B71',
                    detail = format('Attempt %s, %s.', old.payment_attempt, old.state),
                    hint = 'Another request is another attempt.';
            end if;
        end if;
        new.from_state := old.state;
        -- What a gateway took back funds nothing: of what is prepared no more is sent than lies there.
        if new.event = 'claimed' and new.kind <> 'CHARGE' then
            select p.available + sum(a.amount) into v_there
            from marketplace.purse as p
            inner join marketplace.payment_attempt as a on p.purse = a.purse and a.state = 'PREPARED' and a.kind <> 'CHARGE'
            where p.purse = new.purse and p.available < 0
            group by p.available;
            if v_there < new.amount then
                raise exception 'the purse has not so much' using
                    errcode = '23B76',
                    detail = format('Attempt %s of NOK %s: NOK %s lie in purse %s for what is prepared.', new.payment_attempt,
                        round(new.amount / 100.0, 2), round(v_there / 100.0, 2), new.purse),
                    hint = format('Put in what is missing, and say why: select marketplace.move_reserve(%s, ''why'', p_purse => %L);',
                        round((new.amount - v_there) / 100.0, 2), new.purse);
            end if;
        end if;
        if new.kind = 'CHARGE' and new.state = 'SUCCEEDED' and old.state <> 'SUCCEEDED' then
            -- Of whose clicks its money is; what of those was credited meanwhile is not left of it.
            update marketplace.transaction as t
            set taken = x.taken, taken_by = new.payment_attempt
            from marketplace.taken_of(new.transaction, new.amount / 100.0) as x
            where t.transaction = x.transaction;
            new.credited := marketplace.credited_of_charge(new.payment_attempt);
        end if;
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
'An attempt is made for what a transaction has due, PREPARED, and goes as attempt_step says (23B70); what was asked of the gateway never changes (23B71); nobody is paid who owes us (23B89), or whose payouts are held (23B94); nothing is sent that its purse has not any more (23B76). A charge that succeeds is written on the months whose clicks it takes money for (transaction.taken).';

create or replace function marketplace.payment_attempt_follow()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_live constant text[] := array['PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION', 'SUCCEEDED'];
    v_charge constant boolean := new.kind = 'CHARGE';
    v_done constant boolean := new.state = 'SUCCEEDED';
    v_was_done constant boolean := tg_op = 'UPDATE' and old.state = 'SUCCEEDED';
    v_is_live constant boolean := new.state = any (v_live);
    v_was_live constant boolean := tg_op = 'UPDATE' and old.state = any (v_live);
    v_back bigint := new.came_back;
    v_withdrawn bigint := new.disputed + new.lost;
    v_lost bigint := new.lost;
begin
    insert into marketplace.payment_attempt_event (payment_attempt, from_state, event, to_state, happened_at, job_run, note)
    values (
        new.payment_attempt, new.from_state, new.event, new.state, new.changed_at,
        case when new.event in (
            'prepared', 'cancelled', 'released', 'confirmed_done', 'confirmed_undone', 'refunded', 'refund_called_off', 'credited', 'disputed',
            'reinstated', 'lost', 'alarm_cleared', 'doubted', 'erased'
        )
            then null else new.job_run end,
        nullif(concat_ws(' ', new.alarm, new.error_code, new.decline_code, new.message), '')
    );
    if tg_op = 'UPDATE' then
        v_withdrawn := v_withdrawn - old.disputed - old.lost;
        v_lost := v_lost - old.lost;
        v_back := v_back - old.came_back;
    end if;
    perform marketplace.change_purse(
        new.purse,
        p_came_in => case when v_charge and v_done and not v_was_done then new.amount else 0 end,
        p_committed => case when v_charge then 0 else (v_is_live::int - v_was_live::int) * new.amount end,
        p_came_back => v_back,
        p_withdrawn => v_withdrawn
    );
    insert into marketplace.account_entry (
        profile, kind, debit, credit, amount, transaction, payment_attempt, purse, entered_at
    )
    select
        new.profile, e.kind, e.debit, e.credit, e.amount / 100.0, new.transaction, new.payment_attempt,
        case when 'PURSE' in (e.debit, e.credit) then new.purse end, new.changed_at
    from (
        values
        (1, 'PREPARED', 'CHARGING', 'RECEIVABLE', v_charge and v_is_live and not v_was_live, new.amount),
        (2, 'PREPARED', 'PAYABLE', 'PAYING', not v_charge and v_is_live and not v_was_live, new.amount),
        (3, 'CALLED_OFF', 'RECEIVABLE', 'CHARGING', v_charge and v_was_live and not v_is_live, new.amount),
        (4, 'CALLED_OFF', 'PAYING', 'PAYABLE', not v_charge and v_was_live and not v_is_live, new.amount),
        (5, 'CHARGED', 'PURSE', 'CHARGING', v_charge and v_done and not v_was_done, new.amount),
        (6, 'PAID', 'PAYING', 'PURSE', not v_charge and v_done and not v_was_done, new.amount),
        (7, 'CAME_BACK', 'PURSE', 'RETURNED', v_back > 0, v_back),
        (8, 'DISPUTED', 'DISPUTED', 'PURSE', v_withdrawn > 0, v_withdrawn),
        (9, 'WON', 'PURSE', 'DISPUTED', v_withdrawn < 0, -v_withdrawn),
        (10, 'LOST', 'LOST', 'DISPUTED', v_lost > 0, v_lost),
        (11, 'WON', 'DISPUTED', 'LOST', v_lost < 0, -v_lost)
    ) as e (place, kind, debit, credit, is_so, amount)
    where e.is_so
    order by e.place;
    if new.from_state = 'REQUIRES_ACTION' and new.state <> 'REQUIRES_ACTION' then
        delete from marketplace.payment_action as x where x.payment_attempt = new.payment_attempt;
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
'Writes each step down (payment_attempt_event), keeps the purse and the account, and executes the transaction whose attempt has succeeded, all in the same commit. 23B76 more would be paid than there is.';

create or replace function marketplace.purse_movement_follow()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_other constant text := case new.kind
        when 'RESERVE' then 'OWNER' when 'TRANSFER' then 'TRANSFER' when 'FEE' then 'FEES' else 'LOST'
    end;
begin
    -- What a gateway takes is a fact, whether there is enough or not.
    perform marketplace.change_purse(
        new.purse, p_reserve => new.amount, p_is_fact => new.kind in ('FEE', 'WITHDRAWN', 'LOST') or new.entry is not null
    );
    insert into marketplace.account_entry (
        profile, kind, debit, credit, amount, transaction, payment_attempt, purse, entered_at
    )
    select
        a.profile, new.kind,
        case when new.amount > 0 then 'PURSE' else v_other end,
        case when new.amount > 0 then v_other else 'PURSE' end,
        abs(new.amount) / 100.0, a.transaction, new.payment_attempt, new.purse, new.moved_at
    from (select) as one
    left join marketplace.payment_attempt as a on a.payment_attempt = new.payment_attempt;
    return null;
end;
$$;

comment on function marketplace.purse_movement_follow() is
'Keeps the purse, and the accounts, with what is put in and taken out. 23B76 there is not so much.';

create or replace function marketplace.payment_means_check()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_fault constant text := marketplace.means_fault(new.gateway, new.kind, new.details);
begin
    if v_fault is not null then
        raise exception 'nobody can be paid to this account' using
            errcode = '23B53',
            detail = format('Profile %s: %s.', new.profile, v_fault),
            hint = 'Look at the number again, figure by figure, and name the account''s holder: {"name": "...", "iban": "..."}.';
    end if;
    return new;
end;
$$;

comment on function marketplace.payment_means_check() is
'Refuses an account at a bank that no bank can pay to: the number''s check digits are wrong, or its holder has no name (23B53).';

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
        if marketplace.erases(to_jsonb(old), to_jsonb(new)) then
            return new;
        end if;
        raise exception 'a means of payment is ended, and never changed' using
            errcode = '23B62',
            detail = format('Means %s of profile %s.', old.payment_means, old.profile),
            hint = 'Another one is set by set_payment_means.';
    end if;
    return new;
end;
$$;

comment on function marketplace.payment_means_keep() is 'A means of payment is ended once, and never changed (23B62).';

create or replace function marketplace.payment_means_follow()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    -- What waits to be sent is made anew, or waits: nothing goes to an account that its owner has taken back.
    update marketplace.payment_attempt as a
    set
        state = 'CANCELLED', event = 'cancelled', message = 'the means of payment was ended', is_released = true,
        changed_at = n.ended_at, resolved_at = n.ended_at, next_retry_at = null
    from new_row as n
    where a.payment_means = n.payment_means and a.kind = n.kind and a.state = 'PREPARED' and n.ended_at is not null;
    return null;
end;
$$;

comment on function marketplace.payment_means_follow() is
'What was prepared with a means of payment that is ended, and not sent, is called off; the next run makes it with another.';

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
before delete or truncate on marketplace.payment_attempt_event
for each statement execute function marketplace.record_keep();
alter table marketplace.payment_attempt_event enable always trigger payment_attempt_event_keep;

create or replace trigger gateway_event_keep
before update or delete or truncate on marketplace.gateway_event
for each statement execute function marketplace.record_keep();
alter table marketplace.gateway_event enable always trigger gateway_event_keep;

create or replace trigger purse_movement_follow
after insert on marketplace.purse_movement
for each row execute function marketplace.purse_movement_follow();
alter table marketplace.purse_movement enable always trigger purse_movement_follow;

create or replace trigger balance_entry_keep
before update or delete or truncate on marketplace.balance_entry
for each statement execute function marketplace.record_keep();
alter table marketplace.balance_entry enable always trigger balance_entry_keep;

create or replace trigger balance_decision_keep
before update or delete or truncate on marketplace.balance_decision
for each statement execute function marketplace.record_keep();
alter table marketplace.balance_decision enable always trigger balance_decision_keep;

create or replace trigger gateway_balance_keep
before update or delete or truncate on marketplace.gateway_balance
for each statement execute function marketplace.record_keep();
alter table marketplace.gateway_balance enable always trigger gateway_balance_keep;

create or replace trigger purse_movement_keep
before update or delete or truncate on marketplace.purse_movement
for each statement execute function marketplace.record_keep();
alter table marketplace.purse_movement enable always trigger purse_movement_keep;

create or replace trigger payment_means_check
before insert on marketplace.payment_means
for each row execute function marketplace.payment_means_check();
alter table marketplace.payment_means enable always trigger payment_means_check;

create or replace trigger means_status_keep
before update or delete or truncate on marketplace.means_status
for each statement execute function marketplace.record_keep();
alter table marketplace.means_status enable always trigger means_status_keep;

create or replace trigger payment_means_keep
before update on marketplace.payment_means
for each row execute function marketplace.payment_means_keep();
alter table marketplace.payment_means enable always trigger payment_means_keep;

create or replace trigger payment_means_follow
after update on marketplace.payment_means
referencing new table as new_row
for each statement execute function marketplace.payment_means_follow();
alter table marketplace.payment_means enable always trigger payment_means_follow;

create or replace trigger payment_means_delete
before delete or truncate on marketplace.payment_means
for each statement execute function marketplace.record_keep();
alter table marketplace.payment_means enable always trigger payment_means_delete;

create or replace trigger purse_delete
before delete or truncate on marketplace.purse
for each statement execute function marketplace.record_keep();
alter table marketplace.purse enable always trigger purse_delete;
