create or replace function billig.check_exchangeable(p_tickets billig.ticket[])
returns void
language plpgsql
as $$
declare
    v_ticket billig.ticket;
begin
    foreach v_ticket in array p_tickets loop
        if v_ticket.refunded is not null then
            perform billig.refuse_ticket(
                v_ticket.ticket, '23B10', 'the ticket is refunded already', 'Nothing was changed.');
        elsif v_ticket.paid is null then
            perform billig.refuse_ticket(v_ticket.ticket, '23B12', 'the ticket is not paid',
                'Change the reservation, or abort the web purchase.');
        elsif billig.was_used(v_ticket.ticket, v_ticket.used) then
            perform billig.refuse_ticket(v_ticket.ticket, '23B11', 'the ticket is used',
                'A used ticket is not exchanged, nor one whose use was taken back.');
        elsif v_ticket.charged_back > 0 then
            perform billig.refuse_ticket(v_ticket.ticket, '23B12', 'the ticket''s payment was charged back',
                'Sell a new ticket, or record that the dispute was won.');
        end if;
    end loop;
end;
$$;

comment on function billig.check_exchangeable(billig.ticket[]) is
'Refuses tickets that cannot be exchanged: 23B10 refunded already, 23B12 not paid or charged back, 23B11 ever used.';
