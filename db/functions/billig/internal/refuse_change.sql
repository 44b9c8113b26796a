create or replace function billig.refuse_change(p_ticket bigint, p_refusal smallint)
returns void
language plpgsql
as $$
declare
    v_refusal billig.ticket_refusal;
begin
    select * into v_refusal from billig.ticket_refusal where ticket_refusal = p_refusal;
    perform billig.refuse_ticket(p_ticket, v_refusal.error_code, v_refusal.message, v_refusal.hint);
end;
$$;

comment on function billig.refuse_change(bigint, smallint) is
'Raises a refusal of billig.ticket_refusal: called by the log''s triggers.';
