-- Ids that a client chose (max+1): the sequence moves past them. One trigger function for every table they write.
create or replace function billig.follow_client_id()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_id bigint := (to_jsonb(new) ->> tg_argv[0])::bigint;
    v_sequence regclass := tg_argv[1]::regclass;
    v_last bigint := coalesce(pg_sequence_last_value(v_sequence), 0);
begin
    if v_id - v_last > 1000000 and not pg_has_role(session_user, 'pybridge_owner', 'usage') then
        raise exception 'the key is too far ahead' using
            errcode = '22023',
            detail = format('%s.%s = %s; the largest so far is %s.', tg_table_name, tg_argv[0], v_id, v_last),
            hint = 'Choose max + 1, or leave it to the sequence. A client''s key is at most 1,000,000 above the largest: all that follow go on from it.';
    end if;
    if v_id - v_last <= 1000 then
        -- A few steps: nextval alone never moves a sequence back under a concurrent caller.
        while v_last < v_id loop
            v_last := nextval(v_sequence);
        end loop;
    elsif v_id > (select least(seqmax, 9007199254740991) / 2 from pg_sequence where seqrelid = v_sequence) then
        raise exception 'the key is too large' using
            errcode = '22023',
            detail = format('%s.%s = %s.', tg_table_name, tg_argv[0], v_id),
            hint = 'The keys after it would run out. Choose max + 1, or leave it to the sequence.';
    else
        perform from billig.turn as t where t.turn = tg_argv[1] for update;
        if v_id > coalesce(pg_sequence_last_value(v_sequence), 0) then
            perform setval(v_sequence, v_id);
        end if;
    end if;
    return new;
end;
$$;

comment on function billig.follow_client_id() is
'Moves the sequence past an id that a client chose. Arguments: the key column, its sequence. Fires for such ids only. 22023: more than 1,000,000 above the largest, but from the database''s owner, who brings history; or so large that the sequence would run out.';

create or replace trigger aa_follow_client_id
before insert on billig.ticket
for each row when (new.ticket > coalesce(pg_sequence_last_value('billig.ticket_ticket_seq'), 0))
execute function billig.follow_client_id('ticket', 'billig.ticket_ticket_seq');
alter table billig.ticket enable always trigger aa_follow_client_id;

create or replace trigger aa_follow_client_id
before insert on billig.purchase
for each row when (new.purchase > coalesce(pg_sequence_last_value('billig.purchase_purchase_seq'), 0))
execute function billig.follow_client_id('purchase', 'billig.purchase_purchase_seq');
alter table billig.purchase enable always trigger aa_follow_client_id;

create or replace trigger aa_follow_client_id
before insert on billig.event
for each row when (new.event > coalesce(pg_sequence_last_value('billig.event_event_seq'), 0))
execute function billig.follow_client_id('event', 'billig.event_event_seq');
alter table billig.event enable always trigger aa_follow_client_id;

create or replace trigger aa_follow_client_id
before insert on billig.price_group
for each row when (new.price_group > coalesce(pg_sequence_last_value('billig.price_group_price_group_seq'), 0))
execute function billig.follow_client_id('price_group', 'billig.price_group_price_group_seq');
alter table billig.price_group enable always trigger aa_follow_client_id;

create or replace trigger aa_follow_client_id
before insert on billig.ticket_group_base
for each row when (new.ticket_group > coalesce(pg_sequence_last_value('billig.ticket_group_base_ticket_group_seq'), 0))
execute function billig.follow_client_id('ticket_group', 'billig.ticket_group_base_ticket_group_seq');
alter table billig.ticket_group_base enable always trigger aa_follow_client_id;

create or replace trigger turn_keep
before update or delete or truncate on billig.turn
for each statement execute function billig.payment_keep();
alter table billig.turn enable always trigger turn_keep;
