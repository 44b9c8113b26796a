create or replace view marketplace.own_payment_means as
select
    o.payment_means,
    o.kind,
    o.gateway,
    o.set_at,
    o.ended_at
from marketplace.own_payment_means() as o;

comment on view marketplace.own_payment_means is
'How a profile itself pays and is paid, without the account or card. The profile is who logged in (marketplace.own_profile); of any other, nothing. ended_at null: in use. May be null: ended_at. The function of the same name shows it, with the rights of the owner: EXPLAIN of a table would count what a policy hides.';
