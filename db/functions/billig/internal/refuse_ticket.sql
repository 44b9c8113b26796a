create or replace function billig.refuse_ticket(p_ticket bigint, p_sqlstate text, p_message text, p_hint text)
returns void
language plpgsql
as $$
begin
    raise exception using
        errcode = p_sqlstate,
        message = p_message,
        detail = format('Ticket %s.', p_ticket),
        hint = p_hint;
end;
$$;

comment on function billig.refuse_ticket(bigint, text, text, text) is
'Refuses what is asked of a ticket: raises p_sqlstate, names the ticket in DETAIL.';
