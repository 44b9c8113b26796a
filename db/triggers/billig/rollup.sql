create or replace trigger rollup_batch_keep
before update or delete or truncate on billig.rollup_batch
for each statement execute function books.period_keep();
alter table billig.rollup_batch enable always trigger rollup_batch_keep;

create or replace trigger late_row_keep
before update or delete or truncate on billig.late_row
for each statement execute function books.period_keep();
alter table billig.late_row enable always trigger late_row_keep;

create or replace trigger late_payment_keep
before update or delete or truncate on billig.late_payment
for each statement execute function books.period_keep();
alter table billig.late_payment enable always trigger late_payment_keep;
