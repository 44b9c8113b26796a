-- A ledger keeps its name: another one would make other keys for the same payments.

create or replace function deploy.ledger_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, deploy, pg_temp
as $$
begin
    raise exception 'a ledger keeps its name' using
        errcode = '42501',
        detail = format('%s of deploy.ledger by %s.', tg_op, session_user),
        hint = 'Its gateways know its payments by it; a new ledger is a new database.';
end;
$$;

comment on function deploy.ledger_keep() is 'Refuses to change or delete the name that keys are made of. 42501.';

create or replace trigger ledger_keep
before update or delete or truncate on deploy.ledger
for each statement execute function deploy.ledger_keep();
alter table deploy.ledger enable always trigger ledger_keep;
