create or replace view billig.open_dispute as
select distinct
    l.ticket,
    l.payment,
    coalesce(d.lets_in and s.status = 'OPEN', false) as lets_in
from billig.transaction_log as l
inner join billig.payment as c on l.payment = c.payment and c.kind = 'CHARGEBACK'
left join billig.dispute as d on c.payment = d.payment
left join billig.dispute_state as s on c.payment = s.payment
where
    billig.is_chargeback(l.transaction_type)
    and not exists (select from billig.payment as w where w.disputed_payment = c.payment and w.kind = 'CHARGEBACK_WON');

comment on view billig.open_dispute is
'Of which tickets providers hold money that was not won back: a row for each ticket and chargeback, and whether its holder is let in meanwhile: until it is decided. Ask by ticket.';
