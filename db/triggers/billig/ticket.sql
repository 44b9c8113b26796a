-- The triggers of billig.ticket fire in this order: ticket_fill completes what a legacy insert leaves out; ticket_capacity
-- counts seats; ticket_log_insert and ticket_log_update log, or refuse. All are ALWAYS: session_replication_role does not
-- get round them, and consistency.trigger_guard finds one that is switched off. Here: what a ticket is filled with, and
-- that it stays.

create or replace function billig.ticket_fill()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_offer billig.offer;
begin
    select * into v_offer from billig.offer where price_group = new.price_group;
    if not found then
        raise exception 'no such price group' using
            errcode = '23503',
            detail = format('Price group %s.', new.price_group),
            hint = 'Price groups stand in billig.price_group.';
    end if;
    if v_offer.vat_rate is null or v_offer.fee_vat_rate is null then
        perform billig.refuse_without_vat(v_offer.event);
    end if;
    new.ticket_group := v_offer.ticket_group;
    new.event := v_offer.event;
    new.organisation := v_offer.organisation;
    new.project := v_offer.project;
    new.vat_code := v_offer.vat_code;
    new.vat_rate := v_offer.vat_rate;
    new.fee_vat_code := v_offer.fee_vat_code;
    new.fee_vat_rate := v_offer.fee_vat_rate;
    new.price := v_offer.price;
    new.fee := v_offer.fee;
    new.sold_name := v_offer.sold_name;
    perform books.check_text('seller', new.seller);
    new.seller := billig.seller_name(nullif(new.seller, ''));
    if new.sale_channel = 'STAND' then
        new.seller := coalesce(new.seller, session_user);
    end if;
    perform billig.check_client_time('paid', new.paid);
    return new;
end;
$$;

comment on function billig.ticket_fill() is
'Completes a raw insert with what the ticket is sold as now: the functions state it themselves. A stand sale that names no seller is its login role''s. 23503: no such price group; 23B16: no VAT code or rate.';

create or replace function billig.ticket_client_words()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    if new.refunder is distinct from old.refunder then
        perform books.check_text('refunder', new.refunder);
        new.refunder := billig.seller_name(nullif(new.refunder, ''));
    end if;
    if new.refunded is distinct from old.refunded then
        if new.refunded is null then -- in a word, where a check of the table would show the row
            perform billig.refuse_ticket(old.ticket, r.error_code, r.message, r.hint)
            from billig.ticket_refusal as r
            where r.ticket_refusal = -7;
        end if;
        perform billig.check_client_time('refunded', new.refunded);
    end if;
    if new.used is distinct from old.used then
        perform billig.check_client_time('used', new.used);
    end if;
    return new;
end;
$$;

comment on function billig.ticket_client_words() is
'What a client''s own UPDATE says of who and when: the refunder is stored as billig.seller has the name, and times are near now (22023); what is refunded stays so (23B22). The functions have checked theirs.';

create or replace function billig.ticket_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    raise exception 'tickets are never deleted' using
        errcode = '23B25',
        detail = format('%s on %I.%I.', tg_op, tg_table_schema, tg_table_name),
        hint = 'Refund the ticket, or abort the purchase.';
end;
$$;

comment on function billig.ticket_keep() is 'Refuses DELETE and TRUNCATE of tickets (23B25), even of no rows.';

create or replace trigger ticket_fill
before insert on billig.ticket
for each row when (new.price is null)
execute function billig.ticket_fill();
alter table billig.ticket enable always trigger ticket_fill;

create or replace trigger ticket_client_words
before update on billig.ticket
for each row when (
    current_user <> 'pybridge_owner'
    and (
        new.refunder is distinct from old.refunder or new.refunded is distinct from old.refunded
        or new.used is distinct from old.used
    )
)
execute function billig.ticket_client_words();
alter table billig.ticket enable always trigger ticket_client_words;

create or replace trigger ticket_keep
before delete or truncate on billig.ticket
for each statement execute function billig.ticket_keep();
alter table billig.ticket enable always trigger ticket_keep;
