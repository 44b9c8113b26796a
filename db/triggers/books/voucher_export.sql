create or replace function books.export_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, books, pg_temp
as $$
begin
    raise exception 'what went out to the accounting system stays as it went' using
        errcode = '23B20',
        detail = format('%s on %I.%I.', tg_op, tg_table_schema, tg_table_name),
        hint = 'A correction is a new voucher: books.export_vouchers makes it of what has changed.';
end;
$$;

comment on function books.export_keep() is
'Refuses UPDATE, DELETE and TRUNCATE of exports of vouchers, of their lines and of their files (23B20).';

create or replace function books.exported_line_balance()
returns trigger
language plpgsql
set search_path = pg_catalog, books, pg_temp
as $$
declare
    v_number int;
    v_organisation int;
    v_difference numeric;
begin
    select l.organisation, l.voucher_number, sum(l.amount) into v_organisation, v_number, v_difference
    from books.exported_line as l
    where (l.organisation, l.voucher_number) in (select n.organisation, n.voucher_number from new_line as n)
    group by l.organisation, l.voucher_number
    having sum(l.amount) <> 0
    order by l.voucher_number
    limit 1;
    if found then
        raise exception 'a voucher that does not balance does not go out' using
            errcode = '23B56',
            detail = format('Organisation %s, voucher %s: debits are %s more than credits.',
                v_organisation, v_number, v_difference),
            hint = 'See consistency.voucher_balance: a payment and its log rows disagree.';
    end if;
    return null;
end;
$$;

comment on function books.exported_line_balance() is
'Refuses lines of vouchers that went out if those of a voucher do not sum to 0 (23B56).';

create or replace function books.export_file_same()
returns trigger
language plpgsql
set search_path = pg_catalog, books, pg_temp
as $$
begin
    -- One after the other, so that each sees what the one before wrote.
    perform from books.voucher_export as e where e.voucher_export = new.voucher_export for update;
    if exists (
        select from books.export_file as f
        where f.voucher_export = new.voucher_export and f.sha256 <> new.sha256
    ) then
        raise exception 'an export has one content' using
            errcode = '23B57',
            detail = format('A file of export %s was written that has other bytes than this one.', new.voucher_export),
            hint = 'Take the file that was written first, or write one with the version of pybridge that wrote it.';
    end if;
    return new;
end;
$$;

comment on function books.export_file_same() is
'Refuses a file of an export that has other bytes than its first one (23B57).';

create or replace trigger voucher_export_keep
before update or delete or truncate on books.voucher_export
for each statement execute function books.export_keep();
alter table books.voucher_export enable always trigger voucher_export_keep;

create or replace trigger exported_voucher_keep
before update or delete or truncate on books.exported_voucher
for each statement execute function books.export_keep();
alter table books.exported_voucher enable always trigger exported_voucher_keep;

create or replace trigger exported_line_keep
before update or delete or truncate on books.exported_line
for each statement execute function books.export_keep();
alter table books.exported_line enable always trigger exported_line_keep;

create or replace trigger exported_line_balance
after insert on books.exported_line
referencing new table as new_line
for each statement execute function books.exported_line_balance();
alter table books.exported_line enable always trigger exported_line_balance;

create or replace trigger export_file_keep
before update or delete or truncate on books.export_file
for each statement execute function books.export_keep();
alter table books.export_file enable always trigger export_file_keep;

create or replace trigger export_file_same
before insert on books.export_file
for each row execute function books.export_file_same();
alter table books.export_file enable always trigger export_file_same;
