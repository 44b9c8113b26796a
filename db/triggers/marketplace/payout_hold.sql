-- Whose payouts a person holds: what was prepared is called off; released once.

create or replace function marketplace.payout_hold_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if
        old.released_at is not null or new.released_at is null
        or (new.payout_hold, new.profile, new.reason, new.held_at, new.held_by)
        is distinct from (old.payout_hold, old.profile, old.reason, old.held_at, old.held_by)
    then
        if marketplace.erases(to_jsonb(old), to_jsonb(new)) then
            return new;
        end if;
        raise exception 'a hold is released, and never changed' using
            errcode = '23B62',
            detail = format('Hold %s of profile %s.', old.payout_hold, old.profile),
            hint = 'Another one is made by hold_payouts.';
    end if;
    return new;
end;
$$;

comment on function marketplace.payout_hold_keep() is 'A hold is released once, and never changed (23B62).';

create or replace function marketplace.payout_hold_follow()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    -- A payout that is made meanwhile waits here, or was first, and is called off.
    perform from marketplace.profile as p where p.profile = new.profile for no key update;
    update marketplace.payment_attempt as a
    set
        state = 'CANCELLED', event = 'cancelled', message = new.reason, is_released = true, changed_at = new.held_at,
        resolved_at = new.held_at, next_retry_at = null
    where a.profile = new.profile and a.kind = 'PAYOUT' and a.state = 'PREPARED';
    return null;
end;
$$;

comment on function marketplace.payout_hold_follow() is
'Calls off the payouts of the profile that were prepared and not sent; a gateway that is at one ends it.';

create or replace trigger payout_hold_keep
before update on marketplace.payout_hold
for each row execute function marketplace.payout_hold_keep();
alter table marketplace.payout_hold enable always trigger payout_hold_keep;

create or replace trigger payout_hold_follow
after insert on marketplace.payout_hold
for each row execute function marketplace.payout_hold_follow();
alter table marketplace.payout_hold enable always trigger payout_hold_follow;

create or replace trigger payout_hold_delete
before delete or truncate on marketplace.payout_hold
for each statement execute function marketplace.record_keep();
alter table marketplace.payout_hold enable always trigger payout_hold_delete;
