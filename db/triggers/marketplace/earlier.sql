-- History is taken before this marketplace has closed a month, and of its first month or before. It is written once.

create or replace function marketplace.earlier_click_follow()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    perform marketplace.check_earlier((select marketplace.month_of(max(n.click_time)) from new_row as n));
    return null;
end;
$$;

comment on function marketplace.earlier_click_follow() is 'Takes history as long as check_earlier takes it (23B96).';

create or replace function marketplace.earlier_charge_follow()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    perform marketplace.check_earlier((select max(n.month) from new_row as n));
    return null;
end;
$$;

comment on function marketplace.earlier_charge_follow() is 'Takes what was charged as long as check_earlier takes it (23B96).';

create or replace trigger earlier_click_follow
after insert on marketplace.earlier_click
referencing new table as new_row
for each statement execute function marketplace.earlier_click_follow();
alter table marketplace.earlier_click enable always trigger earlier_click_follow;

create or replace trigger earlier_charge_follow
after insert on marketplace.earlier_charge
referencing new table as new_row
for each statement execute function marketplace.earlier_charge_follow();
alter table marketplace.earlier_charge enable always trigger earlier_charge_follow;

create or replace trigger earlier_click_keep
before update or delete or truncate on marketplace.earlier_click
for each statement execute function marketplace.record_keep();
alter table marketplace.earlier_click enable always trigger earlier_click_keep;

create or replace trigger earlier_charge_keep
before update or delete or truncate on marketplace.earlier_charge
for each statement execute function marketplace.record_keep();
alter table marketplace.earlier_charge enable always trigger earlier_charge_keep;
