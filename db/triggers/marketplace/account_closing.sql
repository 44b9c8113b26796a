-- Who has left: opened again once, else never changed.

create or replace function marketplace.account_closing_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if
        old.reopened_at is not null or new.reopened_at is null
        or (new.account_closing, new.profile, new.rest, new.reason, new.closed_at, new.closed_by)
        is distinct from (old.account_closing, old.profile, old.rest, old.reason, old.closed_at, old.closed_by)
    then
        if marketplace.erases(to_jsonb(old), to_jsonb(new)) then
            return new;
        end if;
        raise exception 'a closing is undone, and never changed' using
            errcode = '23B62',
            detail = format('Closing %s of profile %s.', old.account_closing, old.profile),
            hint = 'reopen_account undoes it; close_account makes another.';
    end if;
    return new;
end;
$$;

comment on function marketplace.account_closing_keep() is 'A closing is undone once, and never changed (23B62).';

create or replace trigger account_closing_keep
before update on marketplace.account_closing
for each row execute function marketplace.account_closing_keep();
alter table marketplace.account_closing enable always trigger account_closing_keep;

create or replace trigger account_closing_delete
before delete or truncate on marketplace.account_closing
for each statement execute function marketplace.record_keep();
alter table marketplace.account_closing enable always trigger account_closing_delete;
