-- History is taken before this marketplace has closed a month, and of its first month or before. It is written once.

create or replace function marketplace.earlier_follow()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_newest date;
    v_first marketplace.month;
begin
    -- No month is opened or closed until this is committed.
    lock table marketplace.month in share mode;
    if tg_table_name = 'earlier_click' then
        select marketplace.month_of(max(n.click_time)) into v_newest from new_row as n;
    else
        select max(n.month) into v_newest from new_row as n;
    end if;
    select m.* into v_first from marketplace.month as m where m.is_first;
    if v_first.closed_at is not null or v_newest > v_first.month or v_newest > marketplace.month_of(now()) then
        raise exception 'history is of before this marketplace, and brought before it closes a month' using
            errcode = '23B96',
            detail = format('History of %s; the first month is %s, %s.', v_newest, coalesce(v_first.month::text, 'not open yet'),
                case when v_first.closed_at is null then 'not closed' else format('closed %s', v_first.closed_at) end),
            hint = 'Clicks that nobody has charged are no history: record_clicks, or pybridge clicks load.';
    end if;
    return null;
end;
$$;

comment on function marketplace.earlier_follow() is
'Takes history only until the first month of this marketplace is closed, and of that month or earlier ones (23B96). Waits for a close that is under way, and makes one wait.';

create or replace trigger earlier_click_follow
after insert on marketplace.earlier_click
referencing new table as new_row
for each statement execute function marketplace.earlier_follow();
alter table marketplace.earlier_click enable always trigger earlier_click_follow;

create or replace trigger earlier_charge_follow
after insert on marketplace.earlier_charge
referencing new table as new_row
for each statement execute function marketplace.earlier_follow();
alter table marketplace.earlier_charge enable always trigger earlier_charge_follow;

create or replace trigger earlier_click_keep
before update or delete or truncate on marketplace.earlier_click
for each statement execute function marketplace.record_keep();
alter table marketplace.earlier_click enable always trigger earlier_click_keep;

create or replace trigger earlier_charge_keep
before update or delete or truncate on marketplace.earlier_charge
for each statement execute function marketplace.record_keep();
alter table marketplace.earlier_charge enable always trigger earlier_charge_keep;
