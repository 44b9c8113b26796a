create or replace function billig.unuse_ticket(
    p_tickets bigint[], p_seller text, p_reason text, p_request_id text default null
)
returns table (ticket bigint)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_answer jsonb;
    v_ticket billig.ticket;
    v_tickets bigint[] := array[]::bigint[];
begin
    perform books.check_text('p_seller', p_seller, 'p_reason', p_reason, 'p_request_id', p_request_id);
    p_tickets := books.list('p_tickets', p_tickets);
    p_seller := billig.check_seller(p_seller);
    if coalesce(p_reason, '') !~ '[^[:space:]]' then
        raise exception 'taking back the use of a ticket needs a reason' using
            errcode = '22023',
            detail = 'p_reason is null or blank.',
            hint = 'Say why the holder is let in again; it is kept in billig.reentry.';
    end if;
    if p_request_id is not null then
        v_answer := books.begin_request('billig.unuse_ticket', p_request_id, jsonb_build_object(
            'p_tickets', p_tickets, 'p_seller', p_seller, 'p_reason', p_reason
        ));
        if v_answer is not null then
            return query
            select x::bigint from jsonb_array_elements_text(v_answer) as x;
            return;
        end if;
    end if;

    for v_ticket in select * from billig.lock_tickets(p_tickets) loop
        if v_ticket.refunded is not null then
            perform billig.refuse_ticket(v_ticket.ticket, '23B10', 'the ticket is refunded already',
                'Nothing was changed.');
        elsif v_ticket.used is null then
            perform billig.refuse_ticket(v_ticket.ticket, '23B12', 'the ticket is not used',
                'It lets its holder in as it is. Nothing was changed.');
        end if;
        v_tickets := v_tickets || v_ticket.ticket;
    end loop;
    insert into billig.reentry (ticket, seller, reason)
    select x, p_seller, p_reason
    from unnest(v_tickets) as x;
    update billig.ticket as t
    set used = null
    where t.ticket = any (v_tickets);

    if p_request_id is not null then
        perform books.end_request('billig.unuse_ticket', p_request_id, to_jsonb(v_tickets));
    end if;
    return query
    select unnest(v_tickets);
end;
$$;

comment on function billig.unuse_ticket(bigint[], text, text, text) is
'Takes back the use of tickets, so that they let their holders in again: one row per ticket, logged as TICKET_UNUSED, no money. The reason is kept in billig.reentry. The only way: used = null in SQL of one''s own is refused (23B22). 22023; P0002 no such ticket; 23B10 refunded; 23B12 not used; 23B13; 42501.';
