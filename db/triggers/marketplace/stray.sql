-- What a gateway was seen to have is resolved once, and stays.

create or replace function marketplace.stray_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if
        old.resolution is not null
        or (new.gateway, new.gateway_id, new.kind, new.idempotency_key, new.profile, new.month, new.attempt_number, new.request_id,
            new.party, new.parent, new.batch, new.amount, new.currency, new.made_at, new.gateway_look)
        is distinct from
        (old.gateway, old.gateway_id, old.kind, old.idempotency_key, old.profile, old.month, old.attempt_number, old.request_id,
            old.party, old.parent, old.batch, old.amount, old.currency, old.made_at, old.gateway_look)
    then
        if marketplace.erases(to_jsonb(old), to_jsonb(new)) then
            return new;
        end if;
        raise exception 'a stray is resolved once, and never changed' using
            errcode = '23B62',
            detail = format('%s of %s, %s.', old.gateway_id, old.gateway, coalesce(old.resolution, 'open')),
            hint = 'take_in, or declare_foreign.';
    end if;
    return new;
end;
$$;

comment on function marketplace.stray_keep() is 'A stray is resolved once; what was seen never changes, but for what became of it (23B62).';

create or replace function marketplace.gateway_look_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if
        old.ended_at is not null
        or (new.gateway_look, new.gateway, new.job_run, new.is_live, new.since, new.begun_at)
        is distinct from (old.gateway_look, old.gateway, old.job_run, old.is_live, old.since, old.begun_at)
    then
        raise exception 'a look ends once, and never changes' using
            errcode = '23B62',
            detail = format('Look %s at %s.', old.gateway_look, old.gateway),
            hint = 'Another look is another row: begin_look.';
    end if;
    return new;
end;
$$;

comment on function marketplace.gateway_look_keep() is 'A look ends once, and never changes (23B62).';

create or replace trigger stray_keep
before update on marketplace.stray
for each row execute function marketplace.stray_keep();
alter table marketplace.stray enable always trigger stray_keep;

create or replace trigger stray_delete
before delete or truncate on marketplace.stray
for each statement execute function marketplace.record_keep();
alter table marketplace.stray enable always trigger stray_delete;

create or replace trigger gateway_look_keep
before update on marketplace.gateway_look
for each row execute function marketplace.gateway_look_keep();
alter table marketplace.gateway_look enable always trigger gateway_look_keep;

create or replace trigger gateway_look_delete
before delete or truncate on marketplace.gateway_look
for each statement execute function marketplace.record_keep();
alter table marketplace.gateway_look enable always trigger gateway_look_delete;
