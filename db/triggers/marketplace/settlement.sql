-- What a person settles of a transaction: not while a gateway is at it, and what follows from it, in the same commit.

create or replace function marketplace.settlement_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_transaction marketplace.transaction;
    v_attempt marketplace.payment_attempt;
begin
    -- The account first, then the transaction: everybody locks in this order.
    perform from marketplace.profile as p where p.profile = new.profile for no key update;
    select coalesce(max(u.update_run), 0) into new.after_run from marketplace.update_run as u;
    select t.* into v_transaction
    from marketplace.transaction as t
    where t.transaction = new.transaction
    for no key update;
    update marketplace.payment_attempt as a
    set
        state = 'CANCELLED', event = 'cancelled', message = new.reason, is_released = true, changed_at = new.settled_at,
        resolved_at = new.settled_at, next_retry_at = null
    where a.transaction = new.transaction and a.state = 'PREPARED' and a.alarm is null;
    select a.* into v_attempt
    from marketplace.payment_attempt as a
    where
        a.transaction = new.transaction
        and (
            a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION', 'SUCCEEDED')
            or a.alarm is not null
        )
    limit 1;
    if found then
        raise exception 'a gateway is at the transaction, or has done it' using
            errcode = '23B92',
            detail = format('Transaction %s: attempt %s, %s%s.', new.transaction, v_attempt.payment_attempt, v_attempt.state,
                coalesce(', alarm ' || v_attempt.alarm, '')),
            hint = 'Wait for its answer (select * from marketplace.due_transactions()); what was charged is given back by refund_transaction, and what was donated of what was paid, by give_goodwill.';
    end if;
    if
        new.undoes is null
        and (v_transaction.status not in ('NEW', 'FAILED') or v_transaction.kind = 'REFUND'
            or sign(new.amount) <> sign(v_transaction.left_amount) or abs(new.amount) > abs(v_transaction.left_amount))
    then
        raise exception 'not so much is left of the transaction' using
            errcode = '23B92',
            detail = format('Transaction %s, %s, %s: NOK %s are left; %s of NOK %s.', new.transaction, v_transaction.kind,
                v_transaction.status, coalesce(v_transaction.left_amount, 0), new.kind, new.amount),
            hint = 'select * from marketplace.open_amount; shows what is. PAID_OUTSIDE, REDUCED and WRITTEN_OFF are of what a profile owes, DONATED of what it is owed; what rolled over, or runs, is settled when its month is closed.';
    end if;
    if new.undoes is not null and (exists (
        -- What was left then is of the same clicks, which one charge takes, and not two.
        select from marketplace.set_off as o where o.debt = new.transaction and o.is_rest
    ) or exists (
        select from marketplace.settlement_part as f
        inner join marketplace.settlement as s on f.settlement = s.settlement
        inner join marketplace.transaction as t on f.transaction = t.transaction
        left join marketplace.adjustment as j
            on t.transaction = j.old_transaction and j.side = 'ADVERTISEMENT' and j.credited > 0 and j.update_run > s.after_run
        where f.settlement = new.undoes and (j.adjustment is not null or t.taken_by is not null)
    )) then
        raise exception 'the settlement was built upon' using
            errcode = '23B93',
            detail = format('Settlement %s: clicks were corrected without credit because of it, or what was left went on to a later month.', new.undoes),
            hint = format('Ask for the money by hand: select marketplace.charge_fee(%s, %s, ''why'', ''request'');', new.profile, abs(new.amount));
    end if;
    return new;
end;
$$;

comment on function marketplace.settlement_keep() is
'A settlement is of what a closed transaction has left, in its direction, while no gateway is at it (23B92): what was prepared and not sent is called off. Undone only while nothing was built upon it (23B93).';

create or replace function marketplace.settlement_follow()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_forgiven constant boolean := new.kind in ('REDUCED', 'WRITTEN_OFF');
    v_persons constant text := case when new.kind = 'DONATED' then 'PAYABLE' else 'RECEIVABLE' end;
    v_other constant text := case when v_forgiven then 'FORGIVEN' else 'OWNER' end;
    v_beyond numeric;
begin
    -- An amount above 0 leaves what the profile owes; what undoes it comes back the same way.
    insert into marketplace.account_entry (profile, kind, debit, credit, amount, transaction, entered_at)
    values (
        new.profile, case when new.undoes is not null then 'UNDONE' when v_forgiven then 'FORGIVEN' else new.kind end,
        case when new.amount > 0 then v_other else v_persons end,
        case when new.amount > 0 then v_persons else v_other end,
        abs(new.amount), new.transaction, new.settled_at
    );
    if v_forgiven then
        insert into marketplace.settlement_part (settlement, transaction, profile, amount)
        select new.settlement, x.transaction, new.profile, x.amount
        from (
            select f.transaction, f.amount from marketplace.forgiven_of(new.transaction, new.amount) as f where new.undoes is null
            union all
            select f.transaction, -f.amount from marketplace.settlement_part as f where f.settlement = new.undoes
        ) as x
        where x.amount <> 0
        order by x.transaction;
        update marketplace.transaction as t
        set forgiven = t.forgiven + f.amount
        from marketplace.settlement_part as f
        where f.settlement = new.settlement and t.transaction = f.transaction;
        -- What is let go is of clicks that nobody has credited, or of no clicks. Else a credit that went to another month would
        -- be given a second time, when the clicks of that one are taken back. Of an øre, netting leaves a part each time.
        select
            x.amount - greatest(0, t.due_amount - coalesce(t.billed, 0) - x.went_on) - 0.01 * (1 + x.set_offs)
        into v_beyond
        from marketplace.transaction as t
        cross join lateral (
            select
                (
                    select sum(s.amount) from marketplace.settlement as s
                    where s.transaction = new.transaction and s.kind in ('REDUCED', 'WRITTEN_OFF')
                ) - (
                    select coalesce(sum(f.amount), 0) from marketplace.settlement_part as f
                    inner join marketplace.settlement as s on f.settlement = s.settlement
                    where s.transaction = new.transaction
                ) as amount,
                (select coalesce(sum(c.amount), 0) from marketplace.came_from(new.transaction) as c) as went_on,
                (select count(*) from marketplace.set_off as o where new.transaction in (o.debt, o.claim)) as set_offs
        ) as x
        where t.transaction = new.transaction;
        if new.undoes is null and v_beyond >= 0 then
            raise exception 'more than the clicks of the month come to' using
                errcode = '23B92',
                detail = format('Transaction %s: NOK %s, of which %s were credited already, and set off against another month.',
                    new.transaction, new.amount, trunc(v_beyond, 2)),
                hint = 'Let go of so much less here, and settle that other month: select * from marketplace.open_amount;';
        end if;
    end if;
    update marketplace.transaction as t
    set
        settled = t.settled + new.amount,
        status = case when t.left_amount = new.amount then 'EXECUTED' when t.status = 'EXECUTED' then 'NEW' else t.status end,
        executed = case when t.left_amount = new.amount then (new.settled_at at time zone books.time_zone())::date end
    where t.transaction = new.transaction;
    return null;
end;
$$;

comment on function marketplace.settlement_follow() is
'Takes what is settled off the transaction and off the account, and writes on the months whose clicks were not paid that they were forgiven; what has nothing left is EXECUTED, what is undone is NEW again. 23B92: more is let go of than the clicks that it bills, less what was credited of them, and what it has of no clicks.';

create or replace trigger settlement_keep
before insert on marketplace.settlement
for each row execute function marketplace.settlement_keep();
alter table marketplace.settlement enable always trigger settlement_keep;

create or replace trigger settlement_follow
after insert on marketplace.settlement
for each row execute function marketplace.settlement_follow();
alter table marketplace.settlement enable always trigger settlement_follow;

create or replace trigger settlement_change
before delete or truncate on marketplace.settlement
for each statement execute function marketplace.record_keep();
alter table marketplace.settlement enable always trigger settlement_change;

create or replace trigger settlement_part_change
before update or delete or truncate on marketplace.settlement_part
for each statement execute function marketplace.record_keep();
alter table marketplace.settlement_part enable always trigger settlement_part_change;
