-- What keeps the months: amounts are frozen once a transaction has left CURRENT, months close in order and stay closed,
-- records are written once.

create or replace function marketplace.transaction_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if tg_op = 'INSERT' then
        if new.kind = 'MONTHLY' and new.status <> 'CURRENT' or exists (
            select from marketplace.month as m
            where m.month = new.month and m.closed_at is not null and new.kind = 'MONTHLY'
        ) then
            raise exception 'a MONTHLY transaction begins CURRENT, in the open month' using
                errcode = '23B66',
                detail = format('Profile %s, month %s, status %s.', new.profile, new.month, new.status),
                hint = 'update_transactions makes them.';
        end if;
        return new;
    end if;

    if
        (new.transaction, new.kind, new.month, new.profile, new.carried_in, new.rolled_from, new.corrects, new.reason, new.created_at)
        is distinct from
        (old.transaction, old.kind, old.month, old.profile, old.carried_in, old.rolled_from, old.corrects, old.reason, old.created_at)
        or old.status <> 'CURRENT' and
        (new.advertisement_amount, new.website_amount, new.due_amount, new.carried_out, new.minimum, new.rolled_to, new.closed_at)
        is distinct from
        (old.advertisement_amount, old.website_amount, old.due_amount, old.carried_out, old.minimum, old.rolled_to, old.closed_at)
        or old.status = 'EXECUTED' and new.executed is distinct from old.executed
    then
        raise exception 'the transaction is frozen' using
            errcode = '23B62',
            detail = format('Transaction %s of %s, status %s.', old.transaction, old.month, old.status),
            hint = 'What comes now joins the open month: late clicks by themselves, corrections by adjust_click.';
    end if;
    if new.status = 'EXECUTED' and old.status in ('NEW', 'FAILED') and not exists (
        select from marketplace.payment_attempt as a
        where a.transaction = new.transaction and a.state = 'SUCCEEDED' and a.amount = abs(new.due_amount) * 100
    ) then
        raise exception 'no payment of the transaction has succeeded' using
            errcode = '23B77',
            detail = format('Transaction %s of %s: NOK %s.', new.transaction, new.month, new.due_amount),
            hint = 'marketplace_execute charges and pays; its transaction is EXECUTED with the attempt that succeeds.';
    end if;
    if new.status <> old.status and (old.status, new.status) not in (
        ('CURRENT', 'NEW'), ('CURRENT', 'ROLLED_OVER'), ('CURRENT', 'EXECUTED'),
        ('NEW', 'EXECUTED'), ('NEW', 'FAILED'), ('FAILED', 'NEW'), ('FAILED', 'EXECUTED')
    ) then
        raise exception 'a transaction does not go from % to %', old.status, new.status using
            errcode = '23B66',
            detail = format('Transaction %s of %s.', old.transaction, old.month),
            hint = 'CURRENT to NEW, ROLLED_OVER or EXECUTED at close; NEW to EXECUTED or FAILED; FAILED to NEW or EXECUTED.';
    end if;
    return new;
end;
$$;

comment on function marketplace.transaction_keep() is
'A MONTHLY transaction begins CURRENT in the open month (23B66); whose it is never changes, and its amounts not once it has left CURRENT (23B62); its status only as execution goes (23B66), and to EXECUTED only with an attempt that has succeeded (23B77).';

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
before update or delete or truncate on marketplace.adjustment
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
