create or replace view marketplace.own_payment_attempt as
select
    o.payment_attempt,
    o.transaction,
    o.kind,
    o.attempt_number,
    o.amount,
    o.currency,
    o.state,
    o.next_retry_at,
    o.resolved_at,
    o.gateway,
    o.payment_means
from marketplace.own_payment_attempt() as o;

comment on view marketplace.own_payment_attempt is
'What was tried to charge or pay a profile itself. The profile is who logged in (marketplace.own_profile); of any other, nothing. amount in øre. May be null: next_retry_at, resolved_at. The function of the same name shows it, with the rights of the owner: EXPLAIN of a table would count what a policy hides.';
