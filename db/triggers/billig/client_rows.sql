-- Clients save whole rows: an ORM names every column, most of them null. What is theirs to say is refused or filled here by
-- value. Functions, which run as the owner, pass: for them nothing is even called.

create or replace function billig.purchase_fill()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    if tg_op = 'UPDATE' and new.purchase <> old.purchase then
        raise exception 'the number of a purchase does not change' using
            errcode = '23B20',
            detail = format('Purchase %s, to be %s.', old.purchase, new.purchase),
            hint = 'Insert another purchase instead.';
    end if;
    new.purchase_time := coalesce(new.purchase_time, now());
    new.buyer := case
        when new.owner_member_id is not null then 'member ' || new.owner_member_id
        when new.owner_email <> '' then 'e-mail ' || lower(new.owner_email)
        when new.owner_card is not null then 'card ' || new.owner_card
    end;
    if tg_op = 'UPDATE' and new.buyer <> coalesce(old.buyer, '') then
        -- Whoever inserts tickets of it has its row FOR KEY SHARE: their tickets are counted, or see whose they are.
        perform from billig.purchase as p where p.purchase = old.purchase for update;
    end if;
    return new;
end;
$$;

comment on function billig.purchase_fill() is
'Says who the buyer of a purchase is (the member, else the e-mail in lower case, else the card), and fills what a client''s whole row left null. A purchase that changes hands waits for tickets that are being inserted into it. 23B20: its number is to change.';

create or replace function billig.refuse_stated()
returns trigger
language plpgsql
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    if not pg_has_role(current_user, 'pybridge_owner', 'usage') then
        raise exception 'what a ticket is sold as is not for the client to say' using
            errcode = '42501',
            detail = format('A new ticket of price group %s, with price, payment, exchange or replaces.', new.price_group),
            hint = 'Leave them null: price, fee and VAT are filled, and a payment is made.';
    end if;
    return new;
end;
$$;

comment on function billig.refuse_stated() is
'Refuses (42501) a new ticket whose client says what it costs, or which payment, exchange or ticket it belongs to.';

create or replace function billig.refuse_moved()
returns trigger
language plpgsql
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_ticket bigint;
begin
    if pg_has_role(current_user, 'pybridge_owner', 'usage') then
        return null;
    end if;
    select n.ticket
    into v_ticket
    from new_ticket as n
    inner join old_ticket as o on n.ticket = o.ticket
    where
        (n.paid, n.payment, n.exchange, n.replaces, n.replaced_by, n.reduced, n.charged_back, n.kept, n.vat_rate,
            n.fee_vat_rate)
        is distinct from
        (o.paid, o.payment, o.exchange, o.replaces, o.replaced_by, o.reduced, o.charged_back, o.kept, o.vat_rate,
            o.fee_vat_rate)
    limit 1;
    if found then
        raise exception 'what was paid for a ticket is not for the client to say' using
            errcode = '42501',
            detail = format('Ticket %s.', v_ticket),
            hint = 'Save paid and what follows it as they were read; the functions take payment and give it back.';
    end if;
    return null;
end;
$$;

comment on function billig.refuse_moved() is
'Refuses (42501) a client''s own UPDATE that takes payment for a ticket, or gives back a part of it. Other changes are judged by the triggers that follow.';

create or replace trigger purchase_fill
before insert or update on billig.purchase
for each row execute function billig.purchase_fill();
alter table billig.purchase enable always trigger purchase_fill;

-- Before ticket_fill, which states the price of every raw insert.
create or replace trigger refuse_stated
before insert on billig.ticket
for each row when (
    current_user <> 'pybridge_owner'
    and (new.price is not null or new.payment is not null or new.exchange is not null or new.replaces is not null)
)
execute function billig.refuse_stated();
alter table billig.ticket enable always trigger refuse_stated;

create or replace trigger refuse_moved
after update on billig.ticket
referencing old table as old_ticket new table as new_ticket
for each statement when (current_user <> 'pybridge_owner')
execute function billig.refuse_moved();
alter table billig.ticket enable always trigger refuse_moved;
