create or replace view marketplace.commission_period as
select
    c.rate,
    marketplace.day_begins(c.valid_from) as valid_from,
    marketplace.day_begins(lead(c.valid_from::date, 1, 'infinity') over (order by c.valid_from)) as valid_to
from marketplace.commission_rate as c;

comment on view marketplace.commission_period is
'The commission, fraction of a price, from valid_from until before valid_to.';
