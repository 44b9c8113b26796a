create or replace view marketplace.open_entry as
select
    e.gateway,
    e.entry,
    e.entry_kind,
    e.effect,
    e.amount,
    e.fee,
    e.currency,
    e.about,
    e.made_at,
    e.told_at
from marketplace.balance_entry as e
where
    not exists (
        select from marketplace.balance_decision as d where d.gateway = e.gateway and d.entry = e.entry
    )
    and (
        e.effect = 'OTHER' or e.currency <> 'NOK'
        or e.effect = 'ATTEMPT' and not exists (
            select from marketplace.payment_attempt as a where a.gateway = e.gateway and a.gateway_id = e.about
        )
    );

comment on view marketplace.open_entry is
'Lines of gateways'' own accounts that nothing of ours explains, and of which no person has said what they are; øre.';
