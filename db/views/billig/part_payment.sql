create or replace view billig.part_payment as
select
    p.payment,
    o.payment_method,
    o.amount,
    o.organisation,
    o.used_payment
from billig.owed_back as o
inner join billig.payment as p on o.provider_reference = p.provider_reference
where o.used_payment is not null;

comment on view billig.part_payment is
'Part payments that tickets were paid with when the rest came, a row each: the payment (the header that keeps the provider''s reference, and has no lines), by which method it took how much (NOK), in whose money it is, and which payment used it. It goes back, and is disputed, under its own reference.';
