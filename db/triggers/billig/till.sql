-- What keeps tills: a payment at a cash point belongs to its seller's open session, a closed session takes nothing more,
-- and what was counted and reported stays.

create or replace function billig.payment_till()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    -- Twice: a session that is closed while we wait for it is gone, and the next one may be open by then.
    for i in 1..2 loop
        select s.till_session into new.till_session
        from billig.till_session as s
        where s.seller = new.seller and s.cash_point = new.cash_point and s.closed_at is null
        for share;
        exit when found;
    end loop;
    if new.till_session is null and new.made_by <> 'TRIGGER' and exists (
        select from billig.cash_point as c
        where c.cash_point = new.cash_point and c.session_required
    ) then
        raise exception 'no till session is open' using
            errcode = '23B26',
            detail = format('Seller %L at cash point %s.', new.seller, new.cash_point),
            hint = 'Open one first: billig.till_open, or pybridge till open.';
    end if;
    return new;
end;
$$;

comment on function billig.payment_till() is
'A payment at a cash point belongs to its seller''s open session there, which cannot close before the payment has committed (FOR SHARE). 23B26: none is open, and the cash point asks for one; a legacy write is let through and shows in report.unattached_payment.';

create or replace function billig.receipt_print_till()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_payment billig.payment;
begin
    select p.* into v_payment from billig.payment as p where p.payment = new.payment;
    for i in 1..2 loop -- twice, as payment_till
        select s.till_session into new.till_session
        from billig.till_session as s
        where
            s.closed_at is null
            and (
                s.seller = session_user or s.till_session = v_payment.till_session or s.cash_point = v_payment.cash_point
            )
        order by
            s.seller = session_user desc, s.till_session = v_payment.till_session desc nulls last,
            s.seller = v_payment.seller desc nulls last, s.till_session
        limit 1
        for share;
        exit when found;
    end loop;
    return new;
end;
$$;

comment on function billig.receipt_print_till() is
'A print of a receipt belongs to the open session of who prints it; else to the payment''s, or to another one at its cash point, if such a one is open.';

create or replace function billig.till_event_keep()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    perform from billig.till_session as s
    where s.till_session = new.till_session and s.closed_at is null
    for share;
    if not found then
        raise exception 'the till session is closed' using
            errcode = '23B26',
            detail = format('Session %s.', new.till_session),
            hint = 'Open a new one.';
    end if;
    return new;
end;
$$;

comment on function billig.till_event_keep() is 'Events are written while their session is open (23B26).';

create or replace function billig.till_event_pay_out()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    perform billig.take_cash(new.till_session);
    return null;
end;
$$;

comment on function billig.till_event_pay_out() is 'A pay-out takes no more than the drawer can hold (23B90).';

create or replace function billig.payment_line_drawer()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_session bigint;
begin
    for v_session in
        select distinct p.till_session
        from new_line as l
        inner join billig.payment_method as m on l.payment_method = m.payment_method and m.is_cash
        inner join billig.payment as p on l.payment = p.payment
        where l.amount < 0 and p.till_session is not null and p.made_by <> 'TRIGGER'
        order by p.till_session
    loop
        perform billig.take_cash(v_session);
    end loop;
    return null;
end;
$$;

comment on function billig.payment_line_drawer() is
'What is given back in cash at a till is no more than its drawer can hold (23B90); a legacy write is let through, and shows when the drawer is counted.';

create or replace function billig.till_session_place()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    new.organisation := (select c.organisation from billig.cash_point as c where c.cash_point = new.cash_point);
    return new;
end;
$$;

comment on function billig.till_session_place() is 'A drawer is its cash point''s organisation''s, as that was when it was opened.';

create or replace function billig.till_session_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    if tg_op = 'INSERT' then
        if new.closed_at is null then
            return new;
        end if;
    elsif
        old.closed_at is null and new.closed_at is not null and new.z_number is null
        and to_jsonb(new) - '{closed_at,closed_by}'::text[] = to_jsonb(old) - '{closed_at,closed_by}'::text[]
    then
        return new;
    elsif
        old.closed_at is not null and old.z_number is null and new.z_number is not null
        and to_jsonb(new) - 'z_number' = to_jsonb(old) - 'z_number'
    then
        return new;
    end if;
    raise exception 'a till session is opened, closed and reported, once each' using
        errcode = '23B20',
        detail = format('%s of session %s.', tg_op, new.till_session),
        hint = 'Use till_open, till_close and z_report.';
end;
$$;

comment on function billig.till_session_keep() is
'A session is inserted open; it changes when it is closed, and when its Z report is made: nothing else of it, and never back (23B20).';

create or replace trigger payment_till
before insert on billig.payment
for each row when (new.cash_point is not null or new.till_session is not null)
execute function billig.payment_till();
alter table billig.payment enable always trigger payment_till;

create or replace trigger receipt_print_till
before insert on billig.receipt_print
for each row execute function billig.receipt_print_till();
alter table billig.receipt_print enable always trigger receipt_print_till;

create or replace trigger till_session_place
before insert on billig.till_session
for each row execute function billig.till_session_place();
alter table billig.till_session enable always trigger till_session_place;

create or replace trigger till_session_keep
before insert or update on billig.till_session
for each row execute function billig.till_session_keep();
alter table billig.till_session enable always trigger till_session_keep;

create or replace trigger till_session_delete
before delete or truncate on billig.till_session
for each statement execute function billig.payment_keep();
alter table billig.till_session enable always trigger till_session_delete;

create or replace trigger till_event_open
before insert on billig.till_event
for each row execute function billig.till_event_keep();
alter table billig.till_event enable always trigger till_event_open;

create or replace trigger till_event_pay_out
after insert on billig.till_event
for each row when (new.event_type = 'PAY_OUT')
execute function billig.till_event_pay_out();
alter table billig.till_event enable always trigger till_event_pay_out;

create or replace trigger payment_line_drawer
after insert on billig.payment_line
referencing new table as new_line
for each statement execute function billig.payment_line_drawer();
alter table billig.payment_line enable always trigger payment_line_drawer;

create or replace trigger till_drawer_keep
before delete or truncate on billig.till_drawer
for each statement execute function billig.payment_keep();
alter table billig.till_drawer enable always trigger till_drawer_keep;

create or replace trigger till_event_keep
before update or delete or truncate on billig.till_event
for each statement execute function billig.payment_keep();
alter table billig.till_event enable always trigger till_event_keep;

create or replace trigger till_count_keep
before update or delete or truncate on billig.till_count
for each statement execute function billig.payment_keep();
alter table billig.till_count enable always trigger till_count_keep;

create or replace trigger till_denomination_keep
before update or delete or truncate on billig.till_denomination
for each statement execute function billig.payment_keep();
alter table billig.till_denomination enable always trigger till_denomination_keep;

create or replace trigger x_report_keep
before update or delete or truncate on billig.x_report
for each statement execute function billig.payment_keep();
alter table billig.x_report enable always trigger x_report_keep;

create or replace trigger z_report_keep
before update or delete or truncate on billig.z_report
for each statement execute function billig.payment_keep();
alter table billig.z_report enable always trigger z_report_keep;

create or replace trigger z_report_line_keep
before update or delete or truncate on billig.z_report_line
for each statement execute function billig.payment_keep();
alter table billig.z_report_line enable always trigger z_report_line_keep;
