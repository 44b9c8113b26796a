create or replace function billig.period_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    raise exception 'closed periods, and what was rolled up, are never changed' using
        errcode = '23B20',
        detail = format('%s on %I.%I.', tg_op, tg_table_schema, tg_table_name),
        hint = 'A correction is a new sale or refund, in an open period.';
end;
$$;

comment on function billig.period_keep() is
'Refuses UPDATE, DELETE and TRUNCATE of closed periods, of roll-up batches and of late rows (23B20).';

create or replace trigger accounting_period_keep
before update or delete or truncate on billig.accounting_period
for each statement execute function billig.period_keep();
alter table billig.accounting_period enable always trigger accounting_period_keep;

create or replace trigger rollup_batch_keep
before update or delete or truncate on billig.rollup_batch
for each statement execute function billig.period_keep();
alter table billig.rollup_batch enable always trigger rollup_batch_keep;

create or replace trigger late_row_keep
before update or delete or truncate on billig.late_row
for each statement execute function billig.period_keep();
alter table billig.late_row enable always trigger late_row_keep;
