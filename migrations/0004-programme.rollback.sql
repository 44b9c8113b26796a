drop table
billig.ticket_card, billig.price_group, billig.ticket_group_slot, billig.ticket_group_base, billig.event
cascade;
