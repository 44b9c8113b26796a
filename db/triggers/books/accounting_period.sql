create or replace function books.period_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, books, pg_temp
as $$
begin
    raise exception 'closed periods, and what was rolled up, are never changed' using
        errcode = '23B20',
        detail = format('%s on %I.%I.', tg_op, tg_table_schema, tg_table_name),
        hint = 'A correction is a new sale or refund, in an open period.';
end;
$$;

comment on function books.period_keep() is
'Refuses UPDATE, DELETE and TRUNCATE of closed periods, of roll-up batches and of late rows (23B20).';

create or replace trigger accounting_period_keep
before update or delete or truncate on books.accounting_period
for each statement execute function books.period_keep();
alter table books.accounting_period enable always trigger accounting_period_keep;
