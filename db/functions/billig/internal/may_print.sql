create or replace function billig.may_print(p_payment billig.payment, p_key uuid)
returns boolean
language sql stable
return pg_has_role(session_user, 'bookkeeper', 'usage')
or billig.acts_for(p_payment.seller)
or exists (
    select from billig.till_session as s
    where s.cash_point = p_payment.cash_point and s.closed_at is null and billig.acts_for(s.seller)
)
-- Legacy code prints what legacy writes did.
or p_payment.made_by = 'TRIGGER'
and (pg_has_role(session_user, 'billig_legacy', 'usage') or pg_has_role(session_user, 'billig_dev', 'usage'))
or exists (
    select from billig.transaction_log as l where l.payment = p_payment.payment and billig.has_key(l.purchase, p_key)
);

comment on function billig.may_print(billig.payment, uuid) is
'Whether the login role may have the receipts of a payment: a bookkeeper any; a seller what they took or gave, and all of the cash point where their till session is open (a registered service: of any seller); legacy roles what a legacy write did; else who has the key of a purchase in it. May be null: p_key.';
