create or replace function billig.payment_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    raise exception 'records of money are never changed' using
        errcode = '23B20',
        detail = format('%s on %I.%I.', tg_op, tg_table_schema, tg_table_name),
        hint = 'Correct it with something new: a refund, a sale, a till session.';
end;
$$;

comment on function billig.payment_keep() is
'Refuses UPDATE, DELETE and TRUNCATE of what only grows: payments, their lines (DELETE and TRUNCATE), exchanges, prints of receipts, re-entries, names that were sold under (UPDATE and TRUNCATE), and all that tills record (23B20).';

create or replace function billig.payment_line_keep()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_payment bigint;
begin
    -- A scalar subquery, so that the plan, kept for the session, looks single payments up: it must hold for one line too.
    select l.payment into v_payment
    from new_line as l
    where (select true from billig.own_payment as p where p.payment = l.payment) is null
    limit 1;
    if found then
        raise exception 'the lines of a payment are written with it' using
            errcode = '23B20',
            detail = format('Payment %s.', v_payment),
            hint = 'Refund or sell: that makes a payment of its own.';
    end if;

    -- A refund is rounded once per ticket; reductions can be as many as there are øre in a price, each half a krone up.
    select l.payment into v_payment
    from new_line as l
    where
        l.payment_method = (select m.payment_method from billig.payment_method as m where m.is_rounding)
        and l.amount <> 0
        and (select p.kind from billig.own_payment as p where p.payment = l.payment) = 'REDUCTION'
    limit 1;
    if found then
        raise exception 'a price is reduced in cash by whole kroner' using
            errcode = '23B06',
            detail = format('Payment %s: its cash would be rounded.', v_payment),
            hint = 'Let what is given back in cash come to whole kroner, or name another method in p_payment_methods.';
    end if;
    return null;
end;
$$;

comment on function billig.payment_line_keep() is
'Lines are written in the transaction that makes their payment; later ones are refused (23B20), and a rounding of cash by which a price is reduced (23B06): many small ones would give back more than the ticket cost.';

create or replace function billig.payment_line_keep_update()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    if
        not exists (select from billig.own_payment as p where p.payment = new.payment)
        or (new.payment, new.payment_method) <> (old.payment, old.payment_method)
    then
        raise exception 'the lines of a payment are written with it' using
            errcode = '23B20',
            detail = format('Payment %s.', new.payment),
            hint = 'Refund or sell: that makes a payment of its own.';
    end if;
    return null;
end;
$$;

comment on function billig.payment_line_keep_update() is
'Lines change in the transaction that makes their payment, and by amount alone; else refused (23B20).';

create or replace function billig.payment_balance()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_excess numeric;
begin
    select sum(b.amount) into v_excess
    from (
        select l.amount
        from billig.payment_line as l
        where l.payment = new.payment
        union all
        select -t.amount - t.fee_amount
        from billig.transaction_log as t
        where t.payment = new.payment
    ) as b;
    if v_excess <> 0 then
        raise exception 'a payment must sum to its log rows' using
            errcode = '23B14',
            detail = format('Payment %s: its lines sum to NOK %s more than its log rows.', new.payment, v_excess),
            hint = 'Nothing was saved. Use the functions: they keep both.';
    end if;
    return null;
end;
$$;

comment on function billig.payment_balance() is
'At commit: the log rows of a payment sum to its lines (23B14). Asked by every new line and by the first log row of a payment in each statement.';

create or replace trigger payment_keep
before update or delete or truncate on billig.payment
for each statement execute function billig.payment_keep();
alter table billig.payment enable always trigger payment_keep;

create or replace trigger exchange_keep
before update or delete or truncate on billig.exchange
for each statement execute function billig.payment_keep();
alter table billig.exchange enable always trigger exchange_keep;

create or replace trigger receipt_print_keep
before update or delete or truncate on billig.receipt_print
for each statement execute function billig.payment_keep();
alter table billig.receipt_print enable always trigger receipt_print_keep;

create or replace trigger owed_back_part_keep
before update or delete or truncate on billig.owed_back_part
for each statement execute function billig.payment_keep();
alter table billig.owed_back_part enable always trigger owed_back_part_keep;

create or replace trigger reentry_keep
before update or delete or truncate on billig.reentry
for each statement execute function billig.payment_keep();
alter table billig.reentry enable always trigger reentry_keep;

create or replace trigger payment_line_delete
before delete or truncate on billig.payment_line
for each statement execute function billig.payment_keep();
alter table billig.payment_line enable always trigger payment_line_delete;

create or replace trigger payment_line_keep
after insert on billig.payment_line
referencing new table as new_line
for each statement execute function billig.payment_line_keep();
alter table billig.payment_line enable always trigger payment_line_keep;

create or replace trigger payment_line_keep_update
after update on billig.payment_line
for each row execute function billig.payment_line_keep_update();
alter table billig.payment_line enable always trigger payment_line_keep_update;

-- Constraint triggers cannot be replaced, so they are made once, here, if they are missing.
do $$
begin
    if not exists (
        select from pg_trigger
        where tgname = 'payment_line_balance' and tgrelid = 'billig.payment_line'::regclass
    ) then
        create constraint trigger payment_line_balance
        after insert or update on billig.payment_line
        deferrable initially deferred
        for each row execute function billig.payment_balance();
    end if;
    if not exists (
        select from pg_trigger
        where tgname = 'transaction_log_balance' and tgrelid = 'billig.transaction_log'::regclass
    ) then
        create constraint trigger transaction_log_balance
        after insert on billig.transaction_log
        deferrable initially deferred
        for each row when (new.first_of_payment)
        execute function billig.payment_balance();
    end if;
end;
$$;
alter table billig.payment_line enable always trigger payment_line_balance;
alter table billig.transaction_log enable always trigger transaction_log_balance;
