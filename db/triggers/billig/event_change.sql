create or replace function billig.event_change_note()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    perform billig.note_event(new.event);
    return null;
end;
$$;

comment on function billig.event_change_note() is
'Notes how an event stands after what happened to it, from today on.';

create or replace trigger event_change_note
after insert on billig.event_change
for each row execute function billig.event_change_note();
alter table billig.event_change enable always trigger event_change_note;

create or replace trigger event_change_keep
before update or delete or truncate on billig.event_change
for each statement execute function billig.payment_keep();
alter table billig.event_change enable always trigger event_change_keep;

create or replace trigger cancelled_purchase_keep
before delete or truncate on billig.cancelled_purchase
for each statement execute function billig.payment_keep();
alter table billig.cancelled_purchase enable always trigger cancelled_purchase_keep;

create or replace trigger cancelled_purchase_done
before update on billig.cancelled_purchase
for each row when (
    old.done_at is not null or (old.event_change, old.purchase) is distinct from (new.event_change, new.purchase)
)
execute function billig.payment_keep();
alter table billig.cancelled_purchase enable always trigger cancelled_purchase_done;
