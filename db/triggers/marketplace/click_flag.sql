-- What is flagged grows while it is open, is decided once, and never changed.

create or replace function marketplace.click_flag_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if
        (
            old.decision is not null
            or (new.click_flag, new.kind, new.profile, new.advertisement, new.website, new.clicker, new.since, new.until,
                new.flagged_at)
            is distinct from
            (old.click_flag, old.kind, old.profile, old.advertisement, old.website, old.clicker, old.since, old.until,
                old.flagged_at)
        )
        and not marketplace.erases(to_jsonb(old), to_jsonb(new))
    then
        raise exception 'a flag is decided once, and never changed' using
            errcode = '23B62',
            detail = format('Flag %s, %s.', old.click_flag, coalesce(old.decision, 'open')),
            hint = 'decide_click_flag decides it.';
    end if;
    return new;
end;
$$;

comment on function marketplace.click_flag_keep() is 'A flag is decided once, and never changed (23B62).';

create or replace trigger click_flag_keep
before update on marketplace.click_flag
for each row execute function marketplace.click_flag_keep();
alter table marketplace.click_flag enable always trigger click_flag_keep;

create or replace trigger click_flag_delete
before delete or truncate on marketplace.click_flag
for each statement execute function marketplace.record_keep();
alter table marketplace.click_flag enable always trigger click_flag_delete;
