comment on column billig.ticket.payment is 'The last payment it took part in';
