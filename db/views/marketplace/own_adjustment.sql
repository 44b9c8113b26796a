create or replace view marketplace.own_adjustment as
select
    o.adjustment,
    o.side,
    o.click_time,
    o.ad_click,
    o.old_transaction,
    o.transaction,
    o.amount,
    o.reason,
    o.made_at
from marketplace.own_adjustment() as o;

comment on view marketplace.own_adjustment is
'A profile''s own adjustments. The profile is who logged in (marketplace.own_profile); of any other, nothing. NOK, signed as it is added. The function of the same name shows it, with the rights of the owner: EXPLAIN of a table would count what a policy hides.';
