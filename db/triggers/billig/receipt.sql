-- Receipts: written and numbered at commit, changed by their numbering alone; and the buyer's name on large ones.
create or replace function billig.transaction_log_receipt()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    -- The first payment of a transaction has the receipts of all of them made.
    if not exists (
        select from billig.receipt as r where r.payment = new.payment and r.organisation = new.organisation
    ) then
        perform billig.make_receipts(new.era);
    end if;
    return null;
end;
$$;

comment on function billig.transaction_log_receipt() is
'At commit: each payment gets its receipts, numbered where it was made at a cash point. Whoever made it, by function or by raw SQL.';

create or replace function billig.receipt_keep()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    if
        old.receipt_number is null and new.receipt_number is not null
        and (new.payment, new.organisation, new.receipt_kind) = (old.payment, old.organisation, old.receipt_kind)
    then
        return new;
    end if;
    raise exception 'a receipt keeps its number' using
        errcode = '23B20',
        detail = format('Payment %s, organisation %s.', old.payment, old.organisation),
        hint = 'Numbers are given once, by billig.number_confirmations or at the sale.';
end;
$$;

comment on function billig.receipt_keep() is 'A receipt without a number gets one; nothing else of it changes (23B20).';

create or replace function billig.payment_line_buyer()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_purchase bigint;
begin
    select l.purchase into v_purchase
    from billig.transaction_log as l
    inner join billig.purchase as b on l.purchase = b.purchase
    where l.payment = new.payment and b.owner_name is null
    order by l.purchase
    limit 1;
    if found then
        raise exception 'so much in cash needs the buyer''s name' using
            errcode = '23B36',
            detail = format('NOK %s in cash; purchase %s names no buyer.', new.amount, v_purchase),
            hint = 'Pass p_owner_name to create_purchase, or call billig.name_buyer first; or take less than NOK 40,000 in cash.';
    end if;
    return null;
end;
$$;

comment on function billig.payment_line_buyer() is
'At commit: NOK 40,000 or more in cash is taken of somebody named alone, also of a buyer who was erased before (23B36; bokføringsforskriften § 5-1-2). Asked by such a line.';

create or replace trigger receipt_keep
before update on billig.receipt
for each row execute function billig.receipt_keep();
alter table billig.receipt enable always trigger receipt_keep;

create or replace trigger receipt_delete
before delete or truncate on billig.receipt
for each statement execute function billig.payment_keep();
alter table billig.receipt enable always trigger receipt_delete;

create or replace trigger receipt_series_delete
before delete or truncate on billig.receipt_series
for each statement execute function billig.payment_keep();
alter table billig.receipt_series enable always trigger receipt_series_delete;

create or replace trigger receipt_line_keep
before update or delete or truncate on billig.receipt_line
for each statement execute function billig.payment_keep();
alter table billig.receipt_line enable always trigger receipt_line_keep;

-- Constraint triggers cannot be replaced, so they are made once, here, if they are missing.
do $$
begin
    if not exists (
        select from pg_trigger
        where tgname = 'transaction_log_receipt' and tgrelid = 'billig.transaction_log'::regclass
    ) then
        create constraint trigger transaction_log_receipt
        after insert on billig.transaction_log
        deferrable initially deferred
        for each row when (new.first_of_payment)
        execute function billig.transaction_log_receipt();
    end if;
    if not exists (
        select from pg_trigger
        where tgname = 'payment_line_buyer' and tgrelid = 'billig.payment_line'::regclass
    ) then
        create constraint trigger payment_line_buyer
        after insert or update on billig.payment_line
        deferrable initially deferred
        for each row when (billig.names_buyer(new.payment_method, new.amount))
        execute function billig.payment_line_buyer();
    end if;
end;
$$;
alter table billig.transaction_log enable always trigger transaction_log_receipt;
alter table billig.payment_line enable always trigger payment_line_buyer;
