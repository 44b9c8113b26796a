-- What keeps the months: amounts are frozen once a transaction has left CURRENT, months close in order and stay closed,
-- records are written once.

create or replace function marketplace.transaction_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    -- What a person settled and undoes is open again.
    v_undone constant boolean := tg_op = 'UPDATE' and old.status = 'EXECUTED' and new.status = 'NEW'
        and abs(new.settled) < abs(old.settled) and new.executed is null and new.offset_amount = old.offset_amount;
begin
    if tg_op = 'INSERT' then
        if new.kind = 'MONTHLY' and new.status <> 'CURRENT' or exists (
            select from marketplace.month as m
            where m.month = new.month and m.closed_at is not null and new.kind = 'MONTHLY'
        ) or (new.corrected, new.offset_in, new.offset_amount, new.settled, new.forgiven) <> (0, 0, 0, 0, 0) then
            raise exception 'a MONTHLY transaction begins CURRENT, in the open month' using
                errcode = '23B66',
                detail = format('Profile %s, month %s, status %s.', new.profile, new.month, new.status),
                hint = 'update_transactions makes them.';
        end if;
        if new.kind = 'BROUGHT' then
            if new.corrects is not null and not exists (
                select from marketplace.transaction as t
                where t.transaction = new.corrects and t.stands and t.due_amount = -new.due_amount
            ) then
                raise exception 'a balance that was brought over is undone by its opposite' using
                    errcode = '23B66',
                    detail = format('Profile %s, NOK %s, transaction %s.', new.profile, new.due_amount, new.corrects),
                    hint = 'undo_by_hand undoes it.';
            end if;
            new.stands := case when new.corrects is null then true end;
        end if;
        return new;
    end if;

    if
        (new.transaction, new.kind, new.month, new.profile, new.carried_in, new.rolled_from, new.corrects, new.reason, new.request_id,
            new.created_at)
        is distinct from
        (old.transaction, old.kind, old.month, old.profile, old.carried_in, old.rolled_from, old.corrects, old.reason, old.request_id,
            old.created_at)
        or old.status <> 'CURRENT' and
        (new.advertisement_amount, new.website_amount, new.corrected, new.offset_in, new.due_amount, new.carried_out, new.minimum,
            new.rolled_to, new.billed, new.closed_at)
        is distinct from
        (old.advertisement_amount, old.website_amount, old.corrected, old.offset_in, old.due_amount, old.carried_out, old.minimum,
            old.rolled_to, old.billed, old.closed_at)
        or new.stands is distinct from old.stands and (new.stands or not exists (
            select from marketplace.transaction as t where t.corrects = old.transaction and t.kind = 'BROUGHT'
        ))
        or old.status = 'EXECUTED' and not v_undone
        and (new.executed, new.offset_amount, new.settled) is distinct from (old.executed, old.offset_amount, old.settled)
        or abs(new.offset_amount) < abs(old.offset_amount) or new.credited < old.credited
        or (new.taken, new.taken_by) is distinct from (old.taken, old.taken_by) and old.taken_by is not null
    then
        if marketplace.erases(to_jsonb(old), to_jsonb(new)) then
            return new;
        end if;
        raise exception 'the transaction is frozen' using
            errcode = '23B62',
            detail = format('Transaction %s of %s, status %s.', old.transaction, old.month, old.status),
            hint = 'What comes now joins the open month: late clicks by themselves, corrections by adjust_click.';
    end if;
    if
        new.status = 'EXECUTED' and old.status in ('NEW', 'FAILED') and new.due_amount <> new.offset_amount + new.settled
        and not exists (
            select from marketplace.payment_attempt as a
            where
                a.transaction = new.transaction and a.state = 'SUCCEEDED'
                and a.amount = abs(new.due_amount - new.offset_amount - new.settled) * 100
        )
    then
        raise exception 'no payment of the transaction has succeeded' using
            errcode = '23B77',
            detail = format('Transaction %s of %s: NOK %s.', new.transaction, new.month, new.due_amount - new.offset_amount - new.settled),
            hint = 'marketplace_execute charges and pays; its transaction is EXECUTED with the attempt that succeeds.';
    end if;
    if new.status <> old.status and not v_undone and (old.status, new.status) not in (
        ('CURRENT', 'NEW'), ('CURRENT', 'ROLLED_OVER'), ('CURRENT', 'EXECUTED'),
        ('NEW', 'EXECUTED'), ('NEW', 'FAILED'), ('FAILED', 'NEW'), ('FAILED', 'EXECUTED'), ('NEW', 'CALLED_OFF'), ('FAILED', 'CALLED_OFF')
    ) then
        raise exception 'a transaction does not go from % to %', old.status, new.status using
            errcode = '23B66',
            detail = format('Transaction %s of %s.', old.transaction, old.month),
            hint = 'CURRENT to NEW, ROLLED_OVER or EXECUTED at close; NEW to EXECUTED or FAILED; FAILED to NEW or EXECUTED; a REFUND to CALLED_OFF.';
    end if;
    return new;
end;
$$;

comment on function marketplace.transaction_keep() is
'A MONTHLY transaction begins CURRENT in the open month (23B66); whose it is never changes, and its amounts not once it has left CURRENT (23B62); its status only as execution goes (23B66), and to EXECUTED only with an attempt that has succeeded, or once all of it is set off or settled (23B77); back to NEW only where a settlement is undone. A balance that was brought over is undone by its opposite, once (23B66). What was set off, and credited, only grows.';

create or replace function marketplace.transaction_enter()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    insert into marketplace.account_entry (profile, kind, debit, credit, amount, transaction, entered_at)
    select n.profile, e.kind, e.debit, e.credit, abs(n.due_amount), n.transaction, n.created_at
    from new_row as n
    cross join lateral (
        select 'REFUND' as kind, 'GIVEN_BACK' as debit, 'PAYABLE' as credit
        where n.kind = 'REFUND'
        union all
        select 'CORRECTION', case when starts_with(n.request_id, 'withheld ') then 'CLICKS' else 'RETURNED' end, 'PAYABLE'
        where n.kind = 'ADJUSTMENT' and n.due_amount < 0
        union all
        select 'CORRECTION', 'RECEIVABLE', 'RETURNED'
        where n.kind = 'ADJUSTMENT' and n.due_amount > 0
        union all
        select 'BY_HAND', 'BY_HAND', 'PAYABLE'
        where n.kind = 'GOODWILL'
        union all
        select 'BY_HAND', 'RECEIVABLE', 'BY_HAND'
        where n.kind = 'FEE'
        union all
        select 'BROUGHT', 'BROUGHT', 'PAYABLE'
        where n.kind = 'BROUGHT' and n.due_amount < 0
        union all
        select 'BROUGHT', 'RECEIVABLE', 'BROUGHT'
        where n.kind = 'BROUGHT' and n.due_amount > 0
    ) as e
    order by n.transaction;
    -- Undone, it is no longer the balance that its profile began with, which may have another.
    update marketplace.transaction as t
    set stands = null
    from new_row as n
    where n.kind = 'BROUGHT' and t.transaction = n.corrects;
    -- Clicks are credited after all, and of the charge so much less is left.
    update marketplace.transaction as t
    set credited = t.credited - n.due_amount
    from new_row as n
    where n.kind = 'ADJUSTMENT' and starts_with(n.request_id, 'withheld ') and t.transaction = n.corrects;
    update marketplace.payment_attempt as a
    set credited = marketplace.credited_of_charge(a.payment_attempt), event = 'credited', changed_at = n.created_at
    from new_row as n
    inner join marketplace.transaction as t on n.corrects = t.transaction
    where n.kind = 'ADJUSTMENT' and starts_with(n.request_id, 'withheld ') and a.payment_attempt = t.taken_by;
    return null;
end;
$$;

comment on function marketplace.transaction_enter() is
'Enters what a correction, a refund, a GOODWILL, a FEE or a balance brought over makes a profile owe, or be owed, into its account; a balance that is undone stands no longer. What was withheld of clicks taken back, and is given after all, counts as credited. 23514 transaction_credited_check, payment_attempt_left_check: it went back by another road.';

create or replace function marketplace.transaction_enter_month()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    insert into marketplace.account_entry (profile, kind, debit, credit, amount, transaction, entered_at)
    select
        n.profile, 'MONTH',
        case when n.due_amount > 0 then 'RECEIVABLE' else 'CLICKS' end,
        case when n.due_amount > 0 then 'CLICKS' else 'PAYABLE' end,
        abs(n.due_amount), n.transaction, n.closed_at
    from new_row as n
    inner join old_row as o on n.transaction = o.transaction
    where o.status = 'CURRENT' and n.status <> 'CURRENT' and n.due_amount <> 0
    order by n.transaction;
    insert into marketplace.account_entry (profile, kind, debit, credit, amount, transaction, entered_at)
    select n.profile, 'CALLED_BACK', 'PAYABLE', 'GIVEN_BACK', abs(n.due_amount), n.transaction, a.changed_at
    from new_row as n
    inner join old_row as o on n.transaction = o.transaction
    inner join marketplace.payment_attempt as a on n.corrects = a.transaction and a.kind = 'CHARGE' and a.state = 'SUCCEEDED'
    where n.status = 'CALLED_OFF' and o.status <> 'CALLED_OFF'
    order by n.transaction;
    return null;
end;
$$;

comment on function marketplace.transaction_enter_month() is
'Enters what a month that is closed makes a profile owe, or be owed, into its account; and takes a refund that is called off out of it.';

create or replace function marketplace.set_off_follow()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_sent marketplace.payment_attempt;
begin
    -- Whoever sends it takes no account: it may be sent between a look at it and here.
    select a.* into v_sent
    from marketplace.payment_attempt as a
    where
        a.transaction in (select n.debt from new_row as n union all select n.claim from new_row as n)
        and a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION')
    limit 1;
    if found then
        raise exception 'a gateway is at the transaction' using
            errcode = '23B92',
            detail = format('Transaction %s: attempt %s, %s.', v_sent.transaction, v_sent.payment_attempt, v_sent.state),
            hint = 'Wait for its answer (select * from marketplace.due_transactions()); what it does not move is set off then.';
    end if;
    insert into marketplace.account_entry (
        profile, kind, debit, credit, amount, transaction, other_transaction, entered_at
    )
    select
        n.profile, 'OFFSET',
        case when c.status = 'CURRENT' then 'CLICKS' else 'PAYABLE' end,
        case when d.status = 'CURRENT' then 'CLICKS' else 'RECEIVABLE' end,
        n.amount, n.debt, n.claim, n.made_at
    from new_row as n
    inner join marketplace.transaction as d on n.debt = d.transaction
    inner join marketplace.transaction as c on n.claim = c.transaction
    order by n.set_off;

    -- A debt falls by what is taken off it, and so does a claim, which is below 0.
    with change as (
        select x.transaction, sum(x.amount) as amount, max(x.made_at) as made_at
        from (
            select n.debt as transaction, n.amount, n.made_at from new_row as n
            union all
            select n.claim, -n.amount, n.made_at from new_row as n
        ) as x
        group by x.transaction
    )

    update marketplace.transaction as t
    set
        offset_in = case when t.status = 'CURRENT' then t.offset_in - c.amount else t.offset_in end,
        offset_amount = case when t.status = 'CURRENT' then t.offset_amount else t.offset_amount + c.amount end,
        status = case when t.left_amount = c.amount then 'EXECUTED' else t.status end,
        executed = case
            when t.left_amount = c.amount then (c.made_at at time zone books.time_zone())::date
        end
    from change as c
    where t.transaction = c.transaction;
    return null;
end;
$$;

comment on function marketplace.set_off_follow() is
'Takes what is set off off both transactions, and off the account; what has nothing left is EXECUTED. 23514 transaction_offset_check: there is not so much; 23B92 a gateway is at it.';

create or replace function marketplace.adjustment_follow()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
-- By key, as many as are new: a plan that was made while there were few would read all there have been since.
set enable_nestloop = on
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    v_charges bigint[];
    v_made_at timestamptz;
    v_alone record;
begin
    -- Foreign keys, asked once per statement and subtotal, or closed transaction, instead of once per row.
    select n.transaction, n.update_run, n.profile into v_alone
    from (select distinct x.transaction, x.update_run, x.profile from new_row as x) as n
    left join marketplace.transaction_subtotal as s
        on n.transaction = s.transaction and n.update_run = s.update_run and n.profile = s.profile
    where s.transaction is null
    limit 1;
    if found then
        raise exception 'an adjustment is in a subtotal of its run' using
            errcode = '23503',
            detail = format('Transaction %s, run %s, profile %s have none.', v_alone.transaction, v_alone.update_run, v_alone.profile),
            hint = 'adjust_clicks makes both, in one statement.';
    end if;
    select n.old_transaction, n.profile into v_alone
    from (select distinct x.old_transaction, x.profile from new_row as x) as n
    left join marketplace.transaction as t on n.old_transaction = t.transaction and n.profile = t.profile
    where t.transaction is null
    limit 1;
    if found then
        raise exception 'an adjustment is of a transaction of its profile' using
            errcode = '23503',
            detail = format('Profile %s has no transaction %s.', v_alone.profile, v_alone.old_transaction),
            hint = 'adjust_clicks takes both from the click.';
    end if;
    -- Nobody is paid out while what they owe changes.
    perform from marketplace.profile as p
    where p.profile in (select n.profile from new_row as n)
    order by p.profile
    for no key update;
    update marketplace.transaction as t
    set corrected = t.corrected + c.amount
    from (
        select n.transaction, sum(n.amount) as amount
        from new_row as n
        group by n.transaction
    ) as c
    where t.transaction = c.transaction;

    with credited as (
        update marketplace.transaction as t
        set credited = t.credited + c.amount
        from (
            select n.old_transaction, -sum(n.amount) as amount, max(n.made_at) as made_at
            from new_row as n
            where n.side = 'ADVERTISEMENT'
            group by n.old_transaction
            having sum(n.amount) <> 0
        ) as c
        where t.transaction = c.old_transaction
        returning t.taken_by, c.made_at
    )

    select array_agg(distinct c.taken_by), max(c.made_at) into v_charges, v_made_at from credited as c;
    update marketplace.payment_attempt as a
    set credited = marketplace.credited_of_charge(a.payment_attempt), event = 'credited', changed_at = v_made_at
    where
        a.payment_attempt = any (v_charges)
        and a.credited <> marketplace.credited_of_charge(a.payment_attempt);
    return null;
end;
$$;

comment on function marketplace.adjustment_follow() is
'Counts corrections where they join (transaction.corrected), and what they credit against what was billed and charged: 23514 transaction_credited_check, payment_attempt_left_check where it was given back by another road; 23503 a correction is in no subtotal of its run, or is of nobody''s transaction.';

create or replace function marketplace.month_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if
        (new.month, new.is_first, new.opened_at) is distinct from (old.month, old.is_first, old.opened_at)
        or old.closed_at is not null
    then
        raise exception 'a closed month never changes' using
            errcode = '23B62',
            detail = format('Month %s, closed %s.', old.month, old.closed_at),
            hint = 'What comes now joins the open month.';
    end if;
    return new;
end;
$$;

comment on function marketplace.month_keep() is 'A month is opened and closed, once each; closed, it never changes (23B62).';

create or replace function marketplace.record_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    raise exception 'rows of %.% are never changed', tg_table_schema, tg_table_name using
        errcode = '23B62',
        detail = format('%s was tried.', tg_op),
        hint = 'Corrections are rows of their own: see exclude_clicks and adjust_click.';
end;
$$;

comment on function marketplace.record_keep() is 'Refuses to change or delete what is written once (23B62).';

create or replace trigger transaction_keep
before insert or update on marketplace.transaction
for each row execute function marketplace.transaction_keep();
alter table marketplace.transaction enable always trigger transaction_keep;

create or replace trigger transaction_delete
before delete or truncate on marketplace.transaction
for each statement execute function marketplace.record_keep();
alter table marketplace.transaction enable always trigger transaction_delete;

create or replace trigger month_keep
before update on marketplace.month
for each row execute function marketplace.month_keep();
alter table marketplace.month enable always trigger month_keep;

create or replace trigger month_delete
before delete or truncate on marketplace.month
for each statement execute function marketplace.record_keep();
alter table marketplace.month enable always trigger month_delete;

create or replace trigger transaction_subtotal_keep
before update or delete or truncate on marketplace.transaction_subtotal
for each statement execute function marketplace.record_keep();
alter table marketplace.transaction_subtotal enable always trigger transaction_subtotal_keep;

create or replace trigger adjustment_keep
before delete or truncate on marketplace.adjustment
for each statement execute function marketplace.record_keep();
alter table marketplace.adjustment enable always trigger adjustment_keep;

create or replace trigger late_click_keep
before update or delete or truncate on marketplace.late_click
for each statement execute function marketplace.record_keep();
alter table marketplace.late_click enable always trigger late_click_keep;

create or replace trigger update_run_keep
before update or delete or truncate on marketplace.update_run
for each statement execute function marketplace.record_keep();
alter table marketplace.update_run enable always trigger update_run_keep;

create or replace trigger transaction_enter
after insert on marketplace.transaction
referencing new table as new_row
for each statement execute function marketplace.transaction_enter();
alter table marketplace.transaction enable always trigger transaction_enter;

create or replace trigger transaction_enter_month
after update on marketplace.transaction
referencing old table as old_row new table as new_row
for each statement execute function marketplace.transaction_enter_month();
alter table marketplace.transaction enable always trigger transaction_enter_month;

create or replace trigger set_off_follow
after insert on marketplace.set_off
referencing new table as new_row
for each statement execute function marketplace.set_off_follow();
alter table marketplace.set_off enable always trigger set_off_follow;

create or replace trigger set_off_keep
before update or delete or truncate on marketplace.set_off
for each statement execute function marketplace.record_keep();
alter table marketplace.set_off enable always trigger set_off_keep;

create or replace trigger adjustment_follow
after insert on marketplace.adjustment
referencing new table as new_row
for each statement execute function marketplace.adjustment_follow();
alter table marketplace.adjustment enable always trigger adjustment_follow;

create or replace trigger account_entry_keep
before update or delete or truncate on marketplace.account_entry
for each statement execute function marketplace.record_keep();
alter table marketplace.account_entry enable always trigger account_entry_keep;

create or replace trigger turn_keep
before update or delete or truncate on marketplace.turn
for each statement execute function marketplace.record_keep();
alter table marketplace.turn enable always trigger turn_keep;
