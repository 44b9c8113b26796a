create or replace view marketplace.advertisement_tariff as
select
    a.advertisement,
    a.profile,
    p.price,
    p.valid_from::timestamptz as valid_from, -- no domain of ours: nodes that have clicks know none
    lead(p.valid_from::timestamptz, 1, 'infinity') over (partition by a.advertisement order by p.valid_from) as valid_to
from marketplace.advertisement as a
inner join marketplace.advertisement_price as p on a.advertisement = p.advertisement;

comment on view marketplace.advertisement_tariff is
'What a click on an advertisement costs, NOK, from valid_from until before valid_to. Internal: runs with its owner''s rights.';
