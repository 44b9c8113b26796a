create or replace view marketplace.own_adjustment with (security_invoker = true) as
select
    j.adjustment,
    j.side,
    j.click_time,
    j.ad_click,
    j.old_transaction,
    j.transaction,
    j.amount,
    j.reason,
    j.made_at
from marketplace.adjustment as j;

comment on view marketplace.own_adjustment is
'Adjustments as a profile''s own role sees them. Runs with its caller''s rights: row-level security decides. NOK, signed as it is added.';
