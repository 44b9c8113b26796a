-- Who was erased stays so: nothing new is written of them, and what was written once may change by erasing alone.

create or replace function marketplace.record_change()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if marketplace.erases(to_jsonb(old), to_jsonb(new)) then
        return new;
    end if;
    raise exception 'rows of %.% are never changed', tg_table_schema, tg_table_name using
        errcode = '23B62',
        detail = format('%s was tried.', tg_op),
        hint = 'Corrections are rows of their own: see exclude_clicks and adjust_click.';
end;
$$;

comment on function marketplace.record_change() is
'Refuses to change what is written once (23B62), but to erase somebody who was erased.';

create or replace function marketplace.erased_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if exists (select from marketplace.profile as p where p.profile = new.profile and p.erased_at is not null) then
        raise exception 'the profile was erased' using
            errcode = '23B91',
            detail = format('Profile %s, %s.', new.profile, tg_table_name),
            hint = 'Who comes back is a new profile: insert into marketplace.profile (profile_name) values (...);';
    end if;
    return new;
end;
$$;

comment on function marketplace.erased_keep() is 'Refuses (23B91) what is new of a profile that was erased.';

create or replace function marketplace.erased_at_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if not pg_has_role(current_user, 'pybridge_owner', 'usage') then
        raise exception 'who is erased is not for the site to say' using
            errcode = '42501',
            detail = format('Profile %s, erased_at %s.', new.profile, new.erased_at),
            hint = format('Leave erased_at as it is; select * from marketplace.erase_profile(%s); is the bookkeeper''s.', new.profile);
    end if;
    return new;
end;
$$;

comment on function marketplace.erased_at_keep() is
'Refuses (42501) that a profile was erased from everybody but erase_profile: who saves a whole row saves it as it is.';

create or replace trigger profile_erased_at_insert
before insert on marketplace.profile
for each row when (new.erased_at is not null)
execute function marketplace.erased_at_keep();
alter table marketplace.profile enable always trigger profile_erased_at_insert;

create or replace trigger profile_erased_at_update
before update on marketplace.profile
for each row when (old.erased_at is distinct from new.erased_at)
execute function marketplace.erased_at_keep();
alter table marketplace.profile enable always trigger profile_erased_at_update;

create or replace trigger profile_erased
before update on marketplace.profile
for each row when (
    old.erased_at is not null
    and (new.profile_name <> old.profile_name or new.login_role is not null or new.erased_at is distinct from old.erased_at)
)
execute function marketplace.erased_keep();
alter table marketplace.profile enable always trigger profile_erased;

create or replace trigger advertisement_erased
before insert on marketplace.advertisement
for each row execute function marketplace.erased_keep();
alter table marketplace.advertisement enable always trigger advertisement_erased;

create or replace trigger website_erased
before insert on marketplace.website
for each row execute function marketplace.erased_keep();
alter table marketplace.website enable always trigger website_erased;

create or replace trigger payment_means_erased
before insert on marketplace.payment_means
for each row execute function marketplace.erased_keep();
alter table marketplace.payment_means enable always trigger payment_means_erased;

create or replace trigger account_closing_erased
before update on marketplace.account_closing
for each row when (new.reopened_at is not null and old.reopened_at is null)
execute function marketplace.erased_keep();
alter table marketplace.account_closing enable always trigger account_closing_erased;

create or replace trigger settlement_erase
before update on marketplace.settlement
for each row execute function marketplace.record_change();
alter table marketplace.settlement enable always trigger settlement_erase;

create or replace trigger adjustment_erase
before update on marketplace.adjustment
for each row execute function marketplace.record_change();
alter table marketplace.adjustment enable always trigger adjustment_erase;

create or replace trigger payment_attempt_event_erase
before update on marketplace.payment_attempt_event
for each row execute function marketplace.record_change();
alter table marketplace.payment_attempt_event enable always trigger payment_attempt_event_erase;
