create or replace view billig.open_payment as
select
    p.payment,
    p.kind,
    p.purchase,
    p.exchange,
    p.payment_time,
    p.seller,
    p.cash_point,
    p.override_used,
    p.made_by,
    p.till_session
from billig.own_payment as p
where not exists (select from billig.receipt as r where r.payment = p.payment);

comment on view billig.open_payment is
'Payments that this very transaction made (billig.own_payment) and whose receipts are not written yet: the only ones it may add log rows to. They are written at the commit, or as soon as a client asks for the checks of a commit (SET CONSTRAINTS): what comes after that is another payment, with a receipt of its own kind.';
