-- What is paused: ended once, else never changed.

create or replace function marketplace.pause_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if
        old.paused_until is not null or new.paused_until is null
        or (new.pause, new.advertisement, new.website, new.profile, new.reason, new.paused_from, new.paused_by)
        is distinct from (old.pause, old.advertisement, old.website, old.profile, old.reason, old.paused_from, old.paused_by)
    then
        if marketplace.erases(to_jsonb(old), to_jsonb(new)) then
            return new;
        end if;
        raise exception 'a pause is ended, and never changed' using
            errcode = '23B62',
            detail = format('Pause %s.', old.pause),
            hint = 'resume_clicks ends it; pause_clicks makes another.';
    end if;
    return new;
end;
$$;

comment on function marketplace.pause_keep() is 'A pause is ended once, and never changed (23B62).';

create or replace trigger pause_keep
before update on marketplace.pause
for each row execute function marketplace.pause_keep();
alter table marketplace.pause enable always trigger pause_keep;

create or replace trigger pause_delete
before delete or truncate on marketplace.pause
for each statement execute function marketplace.record_keep();
alter table marketplace.pause enable always trigger pause_delete;
