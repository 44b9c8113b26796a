create or replace function billig.refuse_ticket(p_ticket bigint, p_sqlstate text, p_message text, p_hint text)
returns smallint
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
'Refuses a change of a ticket from within the one statement that logs it: raises p_sqlstate, never returns.';
