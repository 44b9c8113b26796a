create or replace view marketplace.open_amount with (security_invoker = true) as
select
    t.transaction,
    t.profile,
    t.kind,
    t.month,
    t.status,
    case
        when t.status = 'CURRENT' then trunc(t.carried_in + t.corrected + t.offset_in, 2)
        else t.left_amount
    end as amount
from marketplace.transaction as t
where
    t.status in ('NEW', 'FAILED')
    or (
        t.status = 'CURRENT' and (t.carried_in <> 0 or t.corrected <> 0 or t.offset_in <> 0)
        and trunc(t.carried_in + t.corrected + t.offset_in, 2) <> 0
    );

comment on view marketplace.open_amount is
'What profiles owe us (above 0), and we them, NOK, whole øre: what is left of each closed month, correction and refund, and of the running month what was carried into it, or is a correction of a closed one. Its ordinary clicks do not count yet. This is what is set off. Runs with its caller''s rights: row-level security decides.';
